"""Runs Athena's query on Spark and on DuckDB over the demo and over hostile records, and compares the rows.

Usage: athena_on_spark.py OFFKEY [DIRECTORY…]. OFFKEY is the program; directories are trees in CloudTrail's layout, beside the
demo's, which is made anew. Needs Java 17, and pyspark, duckdb and sqlglot (docs/development.md says which).
"""

import collections
import pathlib
import subprocess
import sys
import tempfile

import duckdb
import sqlglot
from sqlglot import exp

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "standin"))
import trail_table  # noqa: E402 - beside the stand-in, whose table it is


def spark_schema():
    from pyspark.sql.types import ArrayType, StringType, StructField, StructType

    def kind(shape):
        if shape == "":
            return StringType()
        return StructType([StructField(name, kind(inner)) for name, inner in shape.items()])

    fields = {name: StringType() for name in [*trail_table.TEXT, *trail_table.PARTITIONS]}
    fields |= {"useridentity": kind(trail_table.IDENTITY), "addendum": kind(trail_table.ADDENDUM), "resources": ArrayType(kind(trail_table.RESOURCE))}
    return StructType([StructField(name, kind) for name, kind in fields.items()])


def statements(text, dialect, table):
    out = []
    for tree in sqlglot.parse(text, read="athena"):
        if tree is None:
            continue
        for found in tree.find_all(exp.Table):
            if found.name == "trail":
                found.set("db", None)
                found.set("this", exp.to_identifier(table))
        out.append(tree.sql(dialect=dialect, comments=False))
    return out


def rows(results):
    """Rows that can be compared: what stands in a row's array has no order."""
    counted = collections.Counter()
    for row in results:
        values = ["" if value is None else str(value) for value in row]
        values[-1] = " ".join(sorted(values[-1].split(" ")))
        counted[tuple(values)] += 1
    return counted


def compare(spark, offkey, root, directory):
    accounts = sorted({path.parent.name for path in root.rglob("CloudTrail") if path.is_dir()})
    text, stored = "", []
    for account in accounts:
        arguments = [offkey, "athena", "sql", "-q", "--table", "trail", "--account", account, "--since", "2013-01-01", "--until", "2030-12-31"]
        text += subprocess.run(arguments, check=True, capture_output=True, text=True).stdout + "\n;\n"
    lines = pathlib.Path(directory) / "rows.jsonl"
    trail_table.staged(trail_table.local(root), lines)
    connection = duckdb.connect()
    trail_table.load(connection, "trail", trail_table.local(root))
    connection.execute("DELETE FROM trail WHERE \"$damaged\" = 'true'")
    spark.read.schema(spark_schema()).json(str(lines)).createOrReplaceTempView("every_row")
    spark.sql("SELECT * FROM every_row WHERE `$damaged` <> 'true'").createOrReplaceTempView("trail_rows")
    by_duckdb, by_spark = collections.Counter(), collections.Counter()
    for one, other in zip(statements(text, "duckdb", "trail"), statements(text, "spark", "trail_rows")):
        by_duckdb += rows(connection.execute(one).fetchall())
        by_spark += rows(spark.sql(other).collect())
        stored.append(one)
    if by_duckdb != by_spark:
        for name, more in [("DuckDB", by_duckdb - by_spark), ("Spark", by_spark - by_duckdb)]:
            for row in list(more)[:3]:
                print(f"only {name}: {row}")
        sys.exit(f"{root}: the rows differ")
    print(f"{root.name}: {sum(by_spark.values())} rows of {len(stored)} queries, equal on Spark and DuckDB")


def main():
    from pyspark.sql import SparkSession

    offkey = str(pathlib.Path(sys.argv[1]).resolve())
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "4")
    spark = builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([offkey, "demo", "-q", "-o", f"{directory}/demo"], check=True, capture_output=True)
        for root in [f"{directory}/demo/estate/trail", *sys.argv[2:]]:
            compare(spark, offkey, pathlib.Path(root), directory)


if __name__ == "__main__":
    main()
