#!/usr/bin/env python3
"""Holds what `offkey replace` writes against the linters of its targets.

    python3 scripts/lint_roles.py target/release/offkey [WORKDIR]

Makes up the demo's estate, writes the roles of all its keys for all three targets, with every input set, and runs
`terraform validate` (if terraform and a copy of the AWS provider are on the machine), cfn-lint and parliament (if they are
installed), and `sh -n`. Says what it skipped; ends with 1 where any linter has an error.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

VALUES = {
    "app_id_uri": "api://00000000-1111-2222-3333-444444444444",
    "common_name": "server-1.example.com",
    "external_id": "example-3f1c9b",
    "github_subject": "repo:example/app:ref:refs/heads/main",
    "region": "eu-west-1",
    "account_id": "111122223333",
    "tenant_id": "00000000-1111-2222-3333-555555555555",
    "trust_anchor_id": "00000000-1111-2222-3333-666666666666",
    "object_id": "00000000-1111-2222-3333-777777777777",
    "vendor_account_id": "999988887777",
}


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, **more)


def roles(offkey: str, work: pathlib.Path) -> int:
    run(offkey, "demo", "-q", "-o", str(work / "demo"), check=True)
    estate = str(work / "estate.db")
    collected = run(offkey, "collect", str(work / "demo/estate"), "--store", estate, "-q")
    # 3: the demo has files that cannot be read, as life has.
    if collected.returncode not in (0, 3):
        raise SystemExit(collected.stderr)
    report = json.loads(run(offkey, "report", estate, "--as-of", "evidence", "-q", "--json").stdout)
    count = 0
    for key in (key for key in report["keys"] if key["consumers"]):
        roles = [c["replacement"] for c in key["consumers"] if c["replacement"]["outcome"] == "new-role"]
        names = sorted({need["name"].lower() for role in roles for need in role["needs"]})
        given = [f"--set={name}={VALUES.get(name, 'example-' + name.replace('_', '-'))}" for name in names]
        for target in ("terraform", "cloudformation", "cli"):
            done = run(offkey, "replace", key["reference"], estate, "--as-of", "evidence", "-q", "--json", "--to", target,
                       "-o", str(work / target), "--despite-incident", "--include-privileged", *given)
            if done.returncode not in (0, 3):
                raise SystemExit(f"{key['reference']} {target}: {done.stderr}")
            written = json.loads(done.stdout)
            if not written["ready"]:
                raise SystemExit(f"{key['reference']}: inputs are still missing")
        count += sum(c["role"] is not None for c in written["consumers"])
    return count


def provider() -> str | None:
    """The directory of plugins that holds a copy of the AWS provider."""
    for root, folders, files in os.walk("/"):
        folders[:] = [f for f in folders if root != "/" or f not in ("proc", "sys", "dev")]
        if any(f.startswith("terraform-provider-aws_v") for f in files):
            found = re.match(r"(.*)/registry\.terraform\.io/hashicorp/aws/", root + "/")
            if found:
                return found[1]
    return None


def terraform(work: pathlib.Path) -> bool:
    plugins = shutil.which("terraform") and provider()
    if not plugins:
        print("skipped: terraform and a copy of its AWS provider are not both on this machine")
        return True
    everything = work / "all"
    everything.mkdir()
    for file in work.glob("terraform/*.tf"):
        shutil.copy(file, everything)
    env = {**os.environ, "TF_CLI_CONFIG_FILE": os.devnull}
    init = run("terraform", "init", f"-plugin-dir={plugins}", "-no-color", cwd=everything, env=env)
    done = run("terraform", "validate", "-no-color", cwd=everything, env=env)
    print(f"terraform validate, {len(list(everything.glob('*.tf')))} files: {done.stdout.strip()}{done.stderr}{'' if init.returncode == 0 else init.stderr}")
    return init.returncode == 0 and done.returncode == 0


def cfn_lint(work: pathlib.Path) -> bool:
    if not shutil.which("cfn-lint"):
        print("skipped: cfn-lint is not installed (pip install cfn-lint)")
        return True
    files = sorted(map(str, work.glob("cloudformation/*.yaml")))
    done = run("cfn-lint", *files)
    print(f"cfn-lint, {len(files)} templates: {done.stdout.strip() or 'no finding'}{done.stderr}")
    return done.returncode == 0


def parliament(work: pathlib.Path) -> bool:
    try:
        from parliament import analyze_policy_string
    except ImportError:
        print("skipped: parliament is not installed (pip install parliament)")
        return True
    policies, bad, newer = 0, [], set()
    for script in sorted(work.glob("cli/*.sh")):
        for text in re.findall(r"--policy-document '(\{.*?\n\})'", script.read_text(), re.S):
            policies += 1
            for finding in analyze_policy_string(text.replace("'\\''", "'")).findings:
                # Its table of actions is older than offkey's, which knows each of these.
                if finding.issue in ("UNKNOWN_ACTION", "UNKNOWN_PREFIX"):
                    newer.add(finding.detail if isinstance(finding.detail, str) else str(finding.detail))
                elif finding.issue not in ("RESOURCE_STAR", "PRIVILEGE_ESCALATION", "CREDENTIALS_EXPOSURE", "PERMISSIONS_MANAGEMENT_ACTIONS"):
                    bad.append(f"{script.name}: {finding.issue} {finding.detail} {finding.location}")
    print(f"parliament, {policies} policies: {len(bad)} findings" + (f"; actions that it does not know yet: {sorted(newer)}" if newer else ""))
    print("\n".join(bad[:20]))
    return policies > 0 and not bad


def shells(work: pathlib.Path) -> bool:
    files = sorted(work.glob("cli/*.sh"))
    bad = [f.name for f in files if run("sh", "-n", str(f)).returncode]
    print(f"sh -n, {len(files)} scripts: {bad or 'no finding'}")
    return bool(files) and not bad


def main() -> None:
    offkey = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else folder)
        print(f"{roles(offkey, work)} roles")
        good = [lint(work) for lint in (terraform, cfn_lint, parliament, shells)]
    raise SystemExit(0 if all(good) else 1)


main()
