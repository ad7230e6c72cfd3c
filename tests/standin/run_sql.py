"""Runs a query on DuckDB over a directory of log objects, and writes what Athena would: CSV, or Parquet.

Usage: run_sql.py DIRECTORY TABLE OUTPUT < query.sql
"""

import sys

import duckdb
import sqlglot
from sqlglot import exp

import trail_table


def main():
    root, table, output = sys.argv[1:4]
    connection = duckdb.connect()
    trail_table.load(connection, f'main."{table}"', trail_table.local(root))
    connection.execute(f'DELETE FROM main."{table}" WHERE "$damaged" = \'true\'')
    made = False
    for tree in sqlglot.parse(sys.stdin.read(), read="athena"):
        if tree is None:
            continue
        for found in tree.find_all(exp.Table):
            if found.name == table:
                found.set("db", exp.to_identifier("main"))
        # Comments of one statement may be written after the end of another.
        sql = tree.sql(dialect="duckdb", comments=False)
        connection.execute(f"INSERT INTO result {sql}" if made else f"CREATE TABLE result AS {sql}")
        made = True
    kind = "(FORMAT parquet)" if output.endswith(".parquet") else "(FORMAT csv, HEADER, FORCE_QUOTE *)"
    connection.execute(f"COPY result TO '{output}' {kind}")
    print(connection.execute(f"SELECT count(*) FROM main.\"{table}\"").fetchone()[0])


if __name__ == "__main__":
    main()
