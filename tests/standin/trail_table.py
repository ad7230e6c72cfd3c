"""CloudTrail log objects as Athena's table of them shows their records, in DuckDB.

The columns are those of the documented DDL (src/athena/ddl.rs): text as it is, everything else that stands in a column of
text as JSON, structures with the members that the table names, and the partitions of the object's path. A log object that
cannot be read makes every query fail that comes upon it, as Athena's input format does.
"""

import gzip
import json
import pathlib
import re
import tempfile
import zlib

TEXT = (
    "eventversion eventtime eventsource eventname awsregion sourceipaddress useragent errorcode errormessage requestparameters "
    "responseelements additionaleventdata requestid eventid readonly eventtype apiversion managementevent recipientaccountid "
    "serviceeventdetails sharedeventid vpcendpointid vpcendpointaccountid eventcategory sessioncredentialfromconsole edgedevicedetails"
).split()
IDENTITY = {
    "type": "", "principalid": "", "arn": "", "accountid": "", "invokedby": "", "accesskeyid": "", "username": "",
    "sessioncontext": {
        "attributes": {"mfaauthenticated": "", "creationdate": ""},
        "sessionissuer": {"type": "", "principalid": "", "arn": "", "accountid": "", "username": ""},
    },
}
RESOURCE = {"arn": "", "arnprefix": "", "accountid": "", "type": ""}
ADDENDUM = {"reason": "", "updatedfields": "", "originalrequestid": "", "originaleventid": ""}
PARTITIONS = ["account", "region", "day", "$path", "$damaged"]
KEY = re.compile(r"(?:^|/)(\d{12})/CloudTrail/([^/]+)/(\d{4}/\d{2}/\d{2})/[^/]+$")


def sql_type(shape):
    if shape == "":
        return "VARCHAR"
    return "STRUCT(" + ", ".join(f'"{name}" {sql_type(inner)}' for name, inner in shape.items()) + ")"


SCHEMA = {
    **{name: "VARCHAR" for name in TEXT},
    "useridentity": sql_type(IDENTITY), "resources": sql_type(RESOURCE) + "[]", "addendum": sql_type(ADDENDUM),
    **{name: "VARCHAR" for name in PARTITIONS},
}


def whole(text):
    """Halves of surrogate pairs, which JSON can spell and UTF-8 cannot, as everybody's decoders replace them."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def text_of(value):
    if value is None or isinstance(value, str):
        return None if value is None else whole(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return whole(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def shaped(value, shape):
    if shape == "":
        return text_of(value)
    if not isinstance(value, dict):
        return None
    lower = {key.lower(): inner for key, inner in value.items()}
    return {name: shaped(lower.get(name), inner) for name, inner in shape.items()}


def row(record, place):
    lower = {key.lower(): value for key, value in record.items()}
    out = {name: text_of(lower.get(name)) for name in TEXT}
    out["useridentity"] = shaped(lower.get("useridentity"), IDENTITY)
    out["addendum"] = shaped(lower.get("addendum"), ADDENDUM)
    resources = lower.get("resources")
    out["resources"] = [shaped(item, RESOURCE) for item in resources] if isinstance(resources, list) else None
    out.update(place)
    return out


def records(content):
    """An object's records; raises where it cannot be read."""
    text = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    value = json.loads(text)
    if isinstance(value, dict):
        value = value.get("Records", [])
    return [record for record in value if isinstance(record, dict)]


def rows(objects):
    """Rows of (address, content) pairs whose keys have the layout."""
    for address, content in objects:
        found = KEY.search(address)
        if not found:
            continue
        place = dict(zip(PARTITIONS, [*found.groups(), address, ""]))
        try:
            # A list, so that of an object that is damaged at its end nothing comes.
            for record in records(content):
                yield row(record, place)
        except (ValueError, OSError, EOFError, zlib.error):
            yield {**row({}, place), "$damaged": "true"}


def staged(objects, path):
    """Writes them as lines of JSON, which both DuckDB and Spark read with the schema given."""
    with open(path, "w", encoding="utf-8") as out:
        for line in rows(objects):
            out.write(json.dumps(line, ensure_ascii=False))
            out.write("\n")


def load(connection, table, objects):
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "rows.jsonl"
        staged(objects, path)
        columns = ", ".join(f"'{name}': '{kind}'" for name, kind in SCHEMA.items())
        connection.execute(
            f'CREATE OR REPLACE TABLE {table} AS SELECT * FROM read_json(\'{path}\', format=\'newline_delimited\', '
            f"maximum_object_size=100000000, columns={{{columns}}})"
        )


def local(root):
    """All files below a directory as objects."""
    root = pathlib.Path(root)
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield f"s3://local/{path.relative_to(root)}", path.read_bytes()
