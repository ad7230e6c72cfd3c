#!/usr/bin/env python3
"""How time and memory grow with the trail: collects an eighth, a quarter, a half and all of a directory of log objects.

    cargo bench --bench scanning -- make        # with OFFKEY_BENCH_DIR=DIR
    python3 benches/growth.py target/release/offkey DIR/75KB-150

Prints processor seconds (medians of three), their ratio to the eighth's, peak memory and distinct usage rows.
"""
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile


def main() -> None:
    offkey, root = sys.argv[1:3]
    files = sorted(os.path.join(d, f) for d, _, names in os.walk(root) for f in names)
    print(f"{len(files)} objects in {root}")
    first = None
    for part in (8, 4, 2, 1):
        with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(root))) as work:
            tree = os.path.join(work, "logs")
            # Every part-th object, so that each part has the same days and keys.
            for path in files[::part]:
                to = os.path.join(tree, os.path.relpath(path, root))
                os.makedirs(os.path.dirname(to), exist_ok=True)
                os.link(path, to)
            times, peaks, rows = [], [], 0
            for run in range(3):
                store = os.path.join(work, f"{run}.db")
                child = subprocess.Popen([offkey, "collect", "--quiet", "--jobs", "1", "--store", store, tree])
                _, status, usage = os.wait4(child.pid, 0)
                assert status == 0, status
                times.append(usage.ru_utime + usage.ru_stime)
                peaks.append(usage.ru_maxrss)
                with sqlite3.connect(store) as db:
                    (rows,) = db.execute("SELECT count(*) FROM usage_row").fetchone()
                    (events,) = db.execute("SELECT count(*) FROM event").fetchone()
            seconds = statistics.median(times)
            first = first or seconds
            print(
                f"x{8 // part}: {seconds:.2f} s ({seconds / first:.2f} times), peak {max(peaks) / 1024:.0f} MB, "
                f"{rows} rows, {events} events"
            )


main()
