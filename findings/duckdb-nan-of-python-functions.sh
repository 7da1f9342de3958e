#!/usr/bin/env bash
# DuckDB 2.0.0 takes the NaN that a function in Python returns for NULL.
#
# A function that is registered with create_function as DOUBLE gets NaN as NaN, and DuckDB's own functions return it.
#
# Seen:    of Python: [(None, True)]
#          of DuckDB: [(nan, False)]
#          as argument: [(True,)]
# Ends with 0 as long as that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.0 numpy==2.4.6
cat > "$folder/ask.py" <<'PYTHON'
import math

import duckdb

connection = duckdb.connect()
connection.create_function("answer", lambda: math.nan, [], "DOUBLE", null_handling="special")
connection.create_function("is_nan", lambda value: math.isnan(value), ["DOUBLE"], "BOOLEAN", null_handling="special")
ask = "SELECT {0}, {0} IS NULL"
print("of Python:", connection.execute(ask.format("answer()")).fetchall())
print("of DuckDB:", connection.execute(ask.format("CAST('nan' AS DOUBLE)")).fetchall())
print("as argument:", connection.execute("SELECT is_nan(CAST('nan' AS DOUBLE))").fetchall())
PYTHON
"$folder/venv/bin/python" "$folder/ask.py" 2> "$folder/log" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
of Python: [(None, True)]
of DuckDB: [(nan, False)]
as argument: [(True,)]
SEEN
