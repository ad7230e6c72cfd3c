"""Amazon Athena: queries that run for a while on DuckDB, transpiled from Trino's dialect, and whose results come in pages.

What tests tell it by the control `athena`: how long queries run, and how the nth of them ends. What it tells them: which
queries there were, and how each ended."""

import base64
import collections
import datetime
import json
import re
import threading
import time
import uuid

import duckdb
import sqlglot
from sqlglot import exp

import trail_table
from operations import handles
from seed import CONTROLS
from state import STATE, Refusal

UTC = datetime.timezone.utc
RUNNING = ("QUEUED", "RUNNING")


class Athena:
    def __init__(self):
        self.lock = threading.RLock()
        self.clear()

    def clear(self):
        self.tables, self.loaded = {}, {}
        self.queries, self.by_token = {}, {}
        self.delay, self.outcomes, self.started = 0.0, [], 0
        self.connection = duckdb.connect()


ATHENA = Athena()


class Query:
    def __init__(self, request, number):
        self.id = str(uuid.UUID(int=number + (0xA7 << 120)))
        self.sql = request.params["QueryString"]
        self.request = json.dumps(request.params, sort_keys=True)
        self.workgroup = request.params.get("WorkGroup", "primary")
        self.state, self.reason, self.retryable = "QUEUED", "", False
        self.columns, self.rows, self.scanned, self.took = [], [], 0, 0
        self.forgotten = False

    def end(self, state, reason="", retryable=False):
        with ATHENA.lock:
            if self.state in RUNNING:
                self.state, self.reason, self.retryable = state, reason, retryable


def stored_objects(location):
    from moto.s3.models import s3_backends
    from state import MANAGEMENT

    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    s3 = s3_backends[MANAGEMENT]["aws"]
    for key in list(s3.buckets[bucket].keys):
        if key.startswith(prefix) and "/CloudTrail/" in key:
            yield f"s3://{bucket}/{key}", s3.get_object(bucket, key).value


def execute(sql):
    """Runs a statement; returns columns, rows and bytes scanned."""
    if sql.lstrip().upper().startswith("CREATE EXTERNAL TABLE"):
        create(sql)
        return [], [], 0
    tree = sqlglot.parse_one(sql, read="athena")
    scan = next(select for select in tree.find_all(exp.Select) if isinstance(select.args["from_"].this, exp.Table) and select.args["from_"].this.db)
    name = scan.args["from_"].this.name
    table = ATHENA.tables.get(name)
    if table is None:
        raise ValueError(f"TABLE_NOT_FOUND: line 1:1: Table 'awsdatacatalog.default.{name}' does not exist")
    where = scan.args["where"].this
    with ATHENA.lock:
        if name not in ATHENA.loaded:
            objects = list(stored_objects(table["location"]))
            trail_table.load(ATHENA.connection, f'main."{name}"', objects)
            ATHENA.loaded[name] = {address: len(content) for address, content in objects}
        cursor = ATHENA.connection.cursor()
    scan.args["from_"].this.set("db", exp.to_identifier("main"))
    # An object is opened because its partition fits, whatever else is asked.
    names = set(trail_table.PARTITIONS)
    partitions = [part for part in where.flatten() if all(c.name in names for c in part.find_all(exp.Column))]
    fits = exp.and_(*partitions).sql(dialect="duckdb")
    read = cursor.execute(f'SELECT DISTINCT "$path", "$damaged" FROM main."{name}" WHERE {fits}').fetchall()
    damaged = sorted(path for path, bad in read if bad == "true")
    if damaged:
        raise ValueError(f"HIVE_CURSOR_ERROR: incorrect data check in {damaged[0]}")
    scanned = sum(ATHENA.loaded[name][path] for path, _ in read)
    result = cursor.execute(tree.sql(dialect="duckdb"))
    columns = [column[0] for column in result.description]
    return columns, [[None if value is None else str(value) for value in row] for row in result.fetchall()], scanned


def create(sql):
    name = re.search(r"CREATE EXTERNAL TABLE `([^`]+)`\.`([^`]+)`", sql)
    if name.group(2) in ATHENA.tables:
        raise ValueError("FAILED: Execution Error, return code 1: AlreadyExistsException: Table already exists.")
    columns = re.findall(r"^  `([a-z0-9]+)` (.+?),?$", sql, re.M)
    keys = re.findall(r"`(\w+)` STRING", re.search(r"PARTITIONED BY \((.*?)\)", sql).group(1))
    parameters = dict(re.findall(r"^  '([^']+)' = '([^']*)',?$", sql, re.M))
    location = re.search(r"^LOCATION '([^']+)'", sql, re.M).group(1)
    ATHENA.tables[name.group(2)] = {
        "location": location.rstrip("/") + "/", "columns": columns, "keys": keys, "parameters": {**parameters, "location": location},
    }


def run(query, outcome):
    time.sleep(outcome.get("delay", ATHENA.delay) / 2)
    with ATHENA.lock:
        if query.state != "QUEUED":
            return
        query.state = "RUNNING"
    if outcome.get("state") == "CANCELLED":
        return query.end("CANCELLED", "stopped by somebody else")
    began = time.monotonic()
    try:
        columns, rows, scanned = execute(query.sql)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong is how the query ends
        return query.end("FAILED", str(error)[:500])
    time.sleep(outcome.get("delay", ATHENA.delay) / 2)
    if outcome.get("state") == "FAILED":
        return query.end("FAILED", outcome["reason"], outcome.get("retryable", False))
    with ATHENA.lock:
        if query.state in RUNNING:
            query.columns, query.rows, query.scanned = columns, rows, scanned
            query.took = int((time.monotonic() - began) * 1000)
            query.state = "SUCCEEDED"


@handles("athena:StartQueryExecution")
def start_query_execution(request):
    token = request.params.get("ClientRequestToken", "")
    if not 32 <= len(token) <= 128:
        raise Refusal("InvalidRequestException", "ClientRequestToken has to have 32 to 128 characters")
    if len(request.params["QueryString"].encode()) > 262144:
        raise Refusal("InvalidRequestException", "QueryString may have 262144 bytes")
    with ATHENA.lock:
        same = json.dumps(request.params, sort_keys=True)
        known = ATHENA.by_token.get(token)
        if known is not None:
            if known.request != same:
                raise Refusal("InvalidRequestException", "Idempotent parameters do not match")
            return {"QueryExecutionId": known.id}
        ATHENA.started += 1
        query = Query(request, ATHENA.started)
        ATHENA.queries[query.id] = ATHENA.by_token[token] = query
        outcome = next((o for o in ATHENA.outcomes if o["nth"] == ATHENA.started), {})
    threading.Thread(target=run, args=(query, outcome), daemon=True).start()
    return {"QueryExecutionId": query.id}


def query_of(request):
    query = ATHENA.queries.get(request.params["QueryExecutionId"])
    if query is None or query.forgotten:
        raise Refusal("InvalidRequestException", f"QueryExecution {request.params['QueryExecutionId']} was not found")
    return query


@handles("athena:GetQueryExecution")
def get_query_execution(request):
    query = query_of(request)
    now = datetime.datetime.now(UTC).replace(microsecond=0)
    status = {"State": query.state, "SubmissionDateTime": now}
    if query.reason:
        status["StateChangeReason"] = query.reason
    if query.state == "FAILED":
        status["AthenaError"] = {"ErrorCategory": 1 if query.retryable else 2, "Retryable": query.retryable, "ErrorMessage": query.reason}
    return {
        "QueryExecution": {
            "QueryExecutionId": query.id, "Query": query.sql, "WorkGroup": query.workgroup, "StatementType": "DML", "Status": status,
            "Statistics": {"DataScannedInBytes": query.scanned, "EngineExecutionTimeInMillis": query.took},
        }
    }


@handles("athena:GetQueryResults")
def get_query_results(request):
    query = query_of(request)
    if query.state != "SUCCEEDED":
        raise Refusal("InvalidRequestException", f"Query has not yet finished. Current state: {query.state}")
    start = 0
    if request.params.get("NextToken"):
        start = int(base64.b64decode(request.params["NextToken"]))
    most = min(int(request.params.get("MaxResults", 1000)), 1000, STATE.page_size)
    table = ([query.columns] if query.columns else []) + query.rows
    rows = [{"Data": [{} if value is None else {"VarCharValue": value} for value in row]} for row in table[start : start + most]]
    info = [{"Name": name, "Type": "bigint" if name == "records" else "varchar"} for name in query.columns]
    answer = {"ResultSet": {"Rows": rows, "ResultSetMetadata": {"ColumnInfo": info}}, "UpdateCount": 0}
    if start + most < len(table):
        answer["NextToken"] = base64.b64encode(str(start + most).encode()).decode()
    return answer


@handles("athena:StopQueryExecution")
def stop_query_execution(request):
    query_of(request).end("CANCELLED", "Query was cancelled by user")
    return {}


def described(name):
    table = ATHENA.tables[name]
    return {
        "Name": name, "TableType": "EXTERNAL_TABLE",
        "Columns": [{"Name": column, "Type": kind.lower().replace(": ", ":").replace(", ", ",")} for column, kind in table["columns"]],
        "PartitionKeys": [{"Name": key, "Type": "string"} for key in table["keys"]], "Parameters": table["parameters"],
    }


@handles("athena:GetTableMetadata")
def get_table_metadata(request):
    if request.params["TableName"] not in ATHENA.tables:
        raise Refusal("MetadataException", f"EntityNotFoundException: Entity Not Found: {request.params['TableName']}")
    return {"TableMetadata": described(request.params["TableName"])}


@handles("athena:ListTableMetadata")
def list_table_metadata(request):
    return {"TableMetadataList": [described(name) for name in sorted(ATHENA.tables)]}


def control(content):
    """Sets how queries go; says how they went."""
    with ATHENA.lock:
        if content.get("clear"):
            ATHENA.clear()
        ATHENA.delay = content.get("delay", ATHENA.delay)
        ATHENA.outcomes = content.get("outcomes", ATHENA.outcomes)
        for name, table in content.get("tables", {}).items():
            ATHENA.tables[name] = table
        if content.get("reload"):
            ATHENA.loaded.clear()
        for query in ATHENA.queries.values():
            query.forgotten |= bool(content.get("forget"))
        ends = collections.Counter(query.state for query in ATHENA.queries.values())
        done = collections.Counter(query.sql for query in ATHENA.queries.values() if query.state == "SUCCEEDED")
        return {
            "started": ATHENA.started, "ends": ends, "twice": sum(1 for count in done.values() if count > 1),
            "running": sum(1 for query in ATHENA.queries.values() if query.state in RUNNING),
            "queries": [{"sql": query.sql, "state": query.state} for query in ATHENA.queries.values()],
        }


def put_tree(content):
    """Puts all files below a directory of this machine into a bucket."""
    from moto.s3.models import s3_backends
    from state import MANAGEMENT

    s3 = s3_backends[MANAGEMENT]["aws"]
    if content["bucket"] not in s3.buckets:
        s3.create_bucket(content["bucket"], "us-east-1")
    count = 0
    for address, body in trail_table.local(content["root"]):
        s3.put_object(content["bucket"], content.get("prefix", "") + address.removeprefix("s3://local/"), body)
        count += 1
    return {"objects": count}


CONTROLS["athena"] = control
CONTROLS["tree"] = put_tree
