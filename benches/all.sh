#!/usr/bin/env bash
# Measures reading in one run: against inflating alone, DuckDB, Python and jq; peak memory; growth over one, two, four and eight
# times the data. Nothing else should run beside it. Objects (1.1 GB, of 1.5 GB of JSON for each set) are kept in DIR.
#
# usage: benches/all.sh [DIR]
set -euo pipefail
cd "$(dirname "$0")/.."
dir="${1:-target/bench-sets}"
mkdir -p "$dir"
dir="$(cd "$dir" && pwd)"

cargo build --locked --release --bin offkey
OFFKEY_BENCH_DIR="$dir" cargo bench --locked --bench scanning
printf '\n== whole programs, 75 KB objects, 15 %% of records by keys\n'
python3 benches/peers.py "$dir/75KB-150"
printf '\n== growth\n'
python3 benches/growth.py "${CARGO_TARGET_DIR:-target}/release/offkey" "$dir/75KB-150"
