"""Fetches axe-core, which tests of the page hold it against, from the npm registry: python3 scripts/fetch_axe.py FILE"""

import hashlib
import io
import sys
import tarfile
import urllib.request

VERSION = "4.14.1"
SHA256 = "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"

url = f"https://registry.npmjs.org/axe-core/-/axe-core-{VERSION}.tgz"
with urllib.request.urlopen(url, timeout=60) as answer:
    content = answer.read()
if hashlib.sha256(content).hexdigest() != SHA256:
    sys.exit(f"{url}: not what is expected")
with tarfile.open(fileobj=io.BytesIO(content)) as archive:
    script = archive.extractfile("package/axe.min.js").read()
with open(sys.argv[1], "wb") as out:
    out.write(script)
