#!/usr/bin/env bash
# DuckDB 2.0.0: count_if is NULL, not 0, if the condition is NULL for every row, unlike count.
#
# In Trino it is 0. sqlglot 30.30.0 writes Trino's count_if for DuckDB as count_if.
#
# Seen:    SELECT COUNT_IF(x > 1) FROM (VALUES (CAST(NULL AS INT))) AS t(x): NULL
#          SELECT COUNT(CASE WHEN x > 1 THEN 1 END) FROM (VALUES (CAST(NULL AS INT))) AS t(x): 0
# Ends with 0 as long as that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.0 sqlglot==30.30.0
cat > "$folder/ask.py" <<'PYTHON'
import duckdb
import sqlglot

for counted in ("count_if(x > 1)", "count(CASE WHEN x > 1 THEN 1 END)"):
    (sql,) = sqlglot.transpile(f"SELECT {counted} FROM (VALUES (CAST(NULL AS integer))) AS t(x)", "trino", "duckdb")
    ((found,),) = duckdb.connect().execute(sql).fetchall()
    print(f"{sql}: {'NULL' if found is None else found}")
PYTHON
"$folder/venv/bin/python" "$folder/ask.py" 2> "$folder/log" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
SELECT COUNT_IF(x > 1) FROM (VALUES (CAST(NULL AS INT))) AS t(x): NULL
SELECT COUNT(CASE WHEN x > 1 THEN 1 END) FROM (VALUES (CAST(NULL AS INT))) AS t(x): 0
SEEN
