#!/usr/bin/env bash
# Lints the script of the HTML report. Its files are one script, in the order in which html.rs puts them together.
set -euo pipefail
cd "$(dirname "$0")/.."

home="${CARGO_TARGET_DIR:-target}/page-lint"
mkdir -p "$home"
cp scripts/page-lint/* "$home"
(cd "$home" && npm ci --silent --no-audit --no-fund)
parts="$(sed -n 's/.*include_str!("\(html\/[a-z]*\.js\)").*/src\/report\/\1/p' src/report/html.rs)"
# shellcheck disable=SC2086
cat $parts >"$home/page.js"
(cd "$home" && npx eslint --max-warnings 0 page.js)
echo "the page's script has $(wc -l <"$home/page.js") lines, and the linter finds nothing"
