#!/usr/bin/env python3
"""The same roll-up by offkey and by other tools, over the same objects, in one run: ratios of processor time.

usage: peers.py DIR [--offkey target/release/offkey] [--bench PATH] [--runs 3]

DIR is one set of objects made by `cargo bench --bench scanning` (OFFKEY_BENCH_DIR keeps them; `-- make` makes them and
measures nothing). Rows are counted for each key, source, name, region, address, agent and error code. Needs
`pip install duckdb==PINNED` (below) and jq; what is missing is left out and said so. Every tool has one thread.
"""
import argparse, glob, gzip, json, os, re, resource, shutil, statistics, subprocess, sys, tempfile

DUCKDB = "2.0.0"

PYTHON = r'''
import gzip, json, glob, sys
rows = {}
for path in glob.glob(sys.argv[1] + "/**/*.json.gz", recursive=True):
    with gzip.open(path) as f:
        records = json.load(f)["Records"]
    for r in records:
        who = r["userIdentity"]
        if who.get("type") in ("IAMUser", "Root") and who.get("accessKeyId", "").startswith("AKIA"):
            key = (who["accessKeyId"], r["eventSource"], r["eventName"], r["awsRegion"], r["sourceIPAddress"], r["userAgent"], r.get("errorCode"))
            rows[key] = rows.get(key, 0) + 1
print(len(rows), sum(rows.values()))
'''

# One struct with just the columns that are needed, each object one value: DuckDB's fastest form of those tried.
DUCK = r'''
import duckdb, sys
db = duckdb.connect()
db.execute("SET threads = 1")
db.execute("SET enable_progress_bar = false")
print(*db.execute("""
WITH r AS (
  SELECT unnest(Records) AS r FROM read_json(?, format = 'unstructured', records = true, maximum_object_size = 67108864, compression = 'gzip',
    columns = {Records: 'STRUCT(userIdentity STRUCT("type" VARCHAR, accessKeyId VARCHAR), eventSource VARCHAR, eventName VARCHAR, awsRegion VARCHAR, sourceIPAddress VARCHAR, userAgent VARCHAR, errorCode VARCHAR, eventTime VARCHAR, eventID VARCHAR)[]'})
), g AS (
  SELECT r.userIdentity.accessKeyId AS k, r.eventSource, r.eventName, r.awsRegion, r.sourceIPAddress, r.userAgent, r.errorCode, count(*) AS n, min(r.eventTime), max(r.eventTime)
  FROM r WHERE r.userIdentity.type IN ('IAMUser', 'Root') AND starts_with(r.userIdentity.accessKeyId, 'AKIA') GROUP BY ALL
) SELECT count(*), sum(n) FROM g
""", [sys.argv[1] + "/**/*.json.gz"]).fetchone())
'''

JQ = '.Records[] | select((.userIdentity.type == "IAMUser" or .userIdentity.type == "Root") and ((.userIdentity.accessKeyId // "") | startswith("AKIA"))) | [.userIdentity.accessKeyId, .eventSource, .eventName, .awsRegion, .sourceIPAddress, .userAgent, .errorCode] | @tsv'


def cpu(command, shell=False):
    """Processor seconds and peak memory (MB) of a command and its children, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    timed = ["/usr/bin/time", "-f", "%M", "-o", PEAK] if os.path.exists("/usr/bin/time") else []
    command = timed + (["sh", "-c", command] if shell else command)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 3):
        raise SystemExit(f"{command}: {done.stderr}")
    peak = int(open(PEAK).read().split()[-1]) / 1024 if timed else float("nan")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak, done.stdout


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("dir")
    target = os.environ.get("CARGO_TARGET_DIR", "target")
    arguments.add_argument("--offkey", default=os.path.join(target, "release", "offkey"))
    arguments.add_argument("--bench", default=None, help="the compiled benchmark, which can inflate alone")
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--slow", type=int, default=1, help="runs of tools that take long")
    options = arguments.parse_args()
    bench = options.bench or max(
        (p for p in glob.glob(os.path.join(target, "release", "deps", "scanning-*")) if "." not in os.path.basename(p)),
        key=os.path.getmtime)
    work = tempfile.mkdtemp()
    global PEAK
    PEAK = os.path.join(work, "peak")
    rows = os.path.join(work, "rows.jsonl")
    store = os.path.join(work, "store.db")

    def offkey_store():
        for path in glob.glob(store + "*"):
            os.remove(path)
        return cpu([options.offkey, "collect", "--quiet", "--jobs", "1", "--store", store, options.dir])

    tools = {
        "inflating alone (libdeflate)": (options.runs, lambda: cpu([bench, "inflate", options.dir])),
        "offkey evidence": (options.runs, lambda: cpu([options.offkey, "evidence", "--quiet", "--jobs", "1", options.dir, "-o", rows])),
        "offkey collect (store)": (options.runs, offkey_store),
        "DuckDB": (options.slow, lambda: cpu([sys.executable, "-c", DUCK, options.dir])),
        "Python gzip+json": (options.slow, lambda: cpu([sys.executable, "-c", PYTHON, options.dir])),
        "jq": (options.slow, lambda: cpu(f"find {options.dir} -name '*.json.gz' | xargs zcat | jq -r '{JQ}' | sort | uniq -c | wc -l", shell=True)),
    }
    try:
        import duckdb
        print(f"DuckDB {duckdb.__version__} (pinned: {DUCKDB})")
    except ImportError:
        print(f"DuckDB is not installed (pip install duckdb=={DUCKDB}): left out")
        del tools["DuckDB"]
    if not shutil.which("jq"):
        print("jq is not installed: left out")
        del tools["jq"]
    seconds, peaks, printed = {}, {}, {}
    # In turns, so that whatever else the machine does falls on all of them.
    for turn in range(max(runs for runs, _ in tools.values())):
        for name, (runs, run) in tools.items():
            if turn < runs:
                taken, peak, out = run()
                seconds.setdefault(name, []).append(taken)
                peaks.setdefault(name, []).append(peak)
                printed[name] = out
    base = statistics.median(seconds["offkey evidence"])
    print(f"{'':32}{'CPU s':>8}{'times offkey':>14}{'peak MB':>10}")
    for name, values in seconds.items():
        taken = statistics.median(values)
        print(f"{name:32}{taken:8.2f}{taken / base:14.2f}{max(peaks[name]):10.0f}")
    counted = sum(1 for _ in open(rows)), sum(json.loads(line)["count"] for line in open(rows))
    print("offkey: rows and events:", *counted)
    for name in ("DuckDB", "Python gzip+json", "jq"):
        if name in printed:
            print(f"{name}: rows and events:", printed[name].strip())
    shutil.rmtree(work)


main()
