"""Tables of the Glue catalog, as far as the caller may read them: Iceberg, and plain files."""

import shutil
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.athena import plain_files
from blueprints.local.services.athena.failures import QueryRefused
from blueprints.local.services.athena.permissions import Permissions

MATERIALIZE = Internal("services.athena", "_materialize_table_files", ("location", "workdirs"))


class CatalogTables:
    """Reads tables for one query."""

    def __init__(self, permissions: Permissions, endpoint: str) -> None:
        self._permissions = permissions
        self._owner = permissions.owner(endpoint)

    @cached_property
    def _glue(self) -> Any:
        return self._owner.client("glue")

    @cached_property
    def _s3(self) -> Any:
        return self._owner.client("s3")

    def described(self, database: str, name: str) -> dict[str, Any]:
        """The table's entry in the catalog. Raises QueryRefused in Athena's words."""
        self._permissions.check_table(database, name)
        try:
            return dict(self._glue.get_table(DatabaseName=database, Name=name)["Table"])
        except self._glue.exceptions.EntityNotFoundException:
            raise QueryRefused(
                f"TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{database}.{name}' does not exist"
            ) from None

    def rows(self, table: dict[str, Any]) -> Any:
        """The table as a pyarrow Table. Raises QueryRefused."""
        if str((table.get("Parameters") or {}).get("table_type", "")).upper() == "ICEBERG":
            return self._iceberg(table)
        return self._files(table)

    def _iceberg(self, table: dict[str, Any]) -> Any:
        from pyiceberg.table import StaticTable

        location = table["Parameters"]["metadata_location"]
        self._permissions.check_object(location)
        properties = {
            "s3.endpoint": self._owner.endpoint,
            "s3.region": self._owner.region,
            "s3.access-key-id": self._owner.access_key,
            "s3.secret-access-key": self._owner.secret_key,
            "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
        }
        iceberg = StaticTable.from_metadata(location, properties)
        snapshot = iceberg.current_snapshot()
        if snapshot is not None:
            self._permissions.check_object(snapshot.manifest_list)
        scan = iceberg.scan()
        for each in scan.plan_files():
            self._permissions.check_object(each.file.file_path)
        return scan.to_arrow()

    def _files(self, table: dict[str, Any]) -> Any:
        """A table of plain files, with the partitions in their paths."""
        import duckdb

        location = str((table.get("StorageDescriptor") or {}).get("Location", ""))
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        self._permissions.check("s3:ListBucket", f"arn:aws:s3:::{bucket}")
        for key in self._keys(bucket, prefix.rstrip("/") + "/" if prefix else ""):
            self._permissions.check_object(f"s3://{bucket}/{key}")
        folders: list[str] = []
        try:
            files = MATERIALIZE.current()(location, folders)
            return plain_files.read(duckdb.connect(":memory:"), table, files)
        finally:
            for each in folders:
                shutil.rmtree(each, ignore_errors=True)

    def _keys(self, bucket: str, prefix: str) -> Iterator[str]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for each in page.get("Contents") or []:
                yield each["Key"]
