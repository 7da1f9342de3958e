#!/usr/bin/env bash
# pyiceberg 0.12.0 commits an append again on top of another commit, without a look at what that one wrote.
#
# `Table.append` and the inserts of `Table.upsert` are retried when the table has changed since it was read, with the
# default `commit.retry.num-retries` of 4. Nothing is validated at the retry, as an append needs no isolation. So of two
# writers that upsert the same new key at once, both succeed, and the key is there twice. With 0 retries, the second one
# gets CommitFailedException, and can read the table again.
#
# Seen:    default: [1, 1]; 0 retries: CommitFailedException [1]
# Ends with 0 as long as that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/upserts.py" <<'PYTHON'
import sys

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException

folder = sys.argv[1]
catalog = SqlCatalog("c", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}")
catalog.create_namespace("d")
row = pa.table({"id": pa.array([1], pa.int64())})
for name, properties in (("default", {}), ("0 retries", {"commit.retry.num-retries": "0"})):
    catalog.create_table(("d", name), row.schema, properties=properties)
    writers = [catalog.load_table(("d", name)) for _ in range(2)]  # both read the table while it is empty
    failed = ""
    for table in writers:
        try:
            table.upsert(row, join_cols=["id"])
        except CommitFailedException:
            failed = "CommitFailedException "
    print(f"{name}: {failed}{catalog.load_table(('d', name)).scan().to_arrow()['id'].to_pylist()}")
PYTHON
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "pyiceberg[pyarrow,sql-sqlite]==0.12.0"
"$folder/venv/bin/python" -W ignore "$folder/upserts.py" "$folder" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
default: [1, 1]
0 retries: CommitFailedException [1]
SEEN
