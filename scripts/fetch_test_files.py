"""Fetches what tests hold outputs against, with npm: python3 scripts/fetch_test_files.py DIRECTORY

axe-core knows the rules of accessibility, mermaid reads its own diagrams, and the schema of SARIF is what code scanning holds
files to. Each package is held to its hash.
"""

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile

FILES = [
    (
        "axe-core@4.14.1",
        "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745",
        "package/axe.min.js",
        "axe-4.14.1.min.js",
    ),
    (
        "mermaid@12.3.0",
        "be0684e8d20bfc874df12c0f04927a5c482f57f2200eec54cca52a4583fd4040",
        "package/dist/mermaid.min.js",
        "mermaid-12.3.0.min.js",
    ),
    (
        "@microsoft/jest-sarif@1.0.0-beta.0",
        "748e2c3d1a842e7bb258416685c7ea3a0da40005b72267b2052c2856d48ad102",
        "package/lib/schemas/sarif-2.1.0-rtm.5.json",
        "sarif-2.1.0.schema.json",
    ),
]


def fetch(package, sha256, inside, path):
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["npm", "pack", "--silent", package], cwd=scratch, check=True, stdout=subprocess.DEVNULL, timeout=120)
        (archive,) = os.listdir(scratch)
        archive = os.path.join(scratch, archive)
        with open(archive, "rb") as content:
            if hashlib.sha256(content.read()).hexdigest() != sha256:
                sys.exit(f"{package}: not what is expected")
        with tarfile.open(archive) as members:
            file = members.extractfile(inside).read()
    with open(path + ".new", "wb") as out:
        out.write(file)
    os.replace(path + ".new", path)


for package, sha256, inside, name in FILES:
    path = os.path.join(sys.argv[1], name)
    if not os.path.exists(path):
        try:
            fetch(package, sha256, inside, path)
        except (OSError, subprocess.SubprocessError) as error:
            sys.exit(f"cannot fetch {package}: {error}")
