"""Fetches what tests hold outputs against, from the npm registry: python3 scripts/fetch_test_files.py DIRECTORY

axe-core knows the rules of accessibility; the schema of SARIF is what code scanning holds files to.
"""

import hashlib
import io
import os
import sys
import tarfile
import urllib.request

REGISTRY = "https://registry.npmjs.org"
FILES = [
    (
        "axe-core/-/axe-core-4.14.1.tgz",
        "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745",
        "package/axe.min.js",
        "axe-4.14.1.min.js",
    ),
    (
        "@microsoft/jest-sarif/-/jest-sarif-1.0.0-beta.0.tgz",
        "748e2c3d1a842e7bb258416685c7ea3a0da40005b72267b2052c2856d48ad102",
        "package/lib/schemas/sarif-2.1.0-rtm.5.json",
        "sarif-2.1.0.schema.json",
    ),
]

for package, sha256, inside, name in FILES:
    path = os.path.join(sys.argv[1], name)
    if os.path.exists(path):
        continue
    with urllib.request.urlopen(f"{REGISTRY}/{package}", timeout=60) as answer:
        content = answer.read()
    if hashlib.sha256(content).hexdigest() != sha256:
        sys.exit(f"{package}: not what is expected")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        file = archive.extractfile(inside).read()
    with open(path + ".new", "wb") as out:
        out.write(file)
    os.replace(path + ".new", path)
