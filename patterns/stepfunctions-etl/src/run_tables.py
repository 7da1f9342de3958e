"""Reads the Parquet objects of runs. Apart from run_files.py, so that steps without rows start without Arrow."""

import io
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.parquet as pq
from run_files import RunFiles, required

_AT_ONCE = 2  # objects in memory


def tables(files: RunFiles, keys: Iterable[str], columns: list[str] | None = None) -> Iterator[pa.Table]:
    """The rows of Parquet objects, a row group at a time; all columns, or these."""
    for content in files.read_all(keys, _AT_ONCE):
        file = pq.ParquetFile(io.BytesIO(required(content)))
        yield from (file.read_row_group(group, columns=columns) for group in range(file.num_row_groups))
