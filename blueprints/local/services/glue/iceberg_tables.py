"""Iceberg tables that Glue creates itself, by `OpenTableFormatInput`: it writes their first metadata.

Source: AWS Glue API Reference, "CreateTable" and "IcebergInput"; AWS Lake Formation Developer Guide, "Creating Iceberg
tables".
"""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.glue.iceberg_types import NotAType, schema_of
from blueprints.local.services.iam import caller_may

CREATE_TABLE = Internal("services.glue", "_create_table", ("data",))
UPDATE_TABLE = Internal("services.glue", "_update_table", ("data",))
DELETE_TABLE = Internal("services.glue", "_delete_table", ("data",))
TABLES = Internal("services.glue", "_tables")
PUT_OBJECT = Internal("services.s3", "_put_object", ("bucket_name", "key", "body", "headers"))
REFUSE = Internal("core.responses", "error_response_json")

_VERSIONS = ("1", "2")
_LOCATION = re.compile(r"s3://[^/]+/?.*")


class _Refused(Exception):
    """Glue does not create the table; has the error's code and message."""

    def __init__(self, message: str, code: str = "InvalidInputException") -> None:
        super().__init__(message)
        self.code = code


def install() -> None:
    """Write the metadata of tables with OpenTableFormatInput, which the base emulator ignores."""
    create, update = CREATE_TABLE.current(), UPDATE_TABLE.current()

    def create_with_metadata(data: dict[str, Any]) -> Any:
        if not data.get("OpenTableFormatInput"):
            return create(data)
        try:
            location, metadata = _first_metadata(data)
        except _Refused as refused:
            return REFUSE.current()(refused.code, str(refused), 400)
        answer = create({**data, "TableInput": _with_metadata(data["TableInput"], location)})
        if answer[0] != 200:
            return answer
        bucket, _, key = location.removeprefix("s3://").partition("/")
        written = PUT_OBJECT.current()(bucket, key, metadata, {"content-type": "application/json"})
        if written[0] != 200:
            DELETE_TABLE.current()({"DatabaseName": data["DatabaseName"], "Name": data["TableInput"]["Name"]})
            return REFUSE.current()("InvalidInputException", f"The metadata cannot be written to {location}.", 400)
        return answer

    def update_with_metadata(data: dict[str, Any]) -> Any:
        if data.get("UpdateOpenTableFormatInput"):
            message = "UpdateOpenTableFormatInput is not emulated: change the Iceberg table in a job, by ALTER TABLE."
            return REFUSE.current()("InvalidInputException", message, 400)
        return update(_with_present_metadata(data))

    CREATE_TABLE.replace(create_with_metadata)
    UPDATE_TABLE.replace(update_with_metadata)


def _first_metadata(data: Mapping[str, Any]) -> tuple[str, bytes]:
    """The address and the content of a table's first metadata file. Raises _Refused."""
    iceberg, table = _iceberg_input(data), data.get("TableInput") or {}
    descriptor = table.get("StorageDescriptor") or {}
    location, columns = str(descriptor.get("Location") or "").rstrip("/"), descriptor.get("Columns") or []
    if not location:
        raise _Refused("An Iceberg table needs StorageDescriptor.Location.")
    if not _LOCATION.fullmatch(location):
        raise _Refused(f"The location of an Iceberg table has to begin with s3://, and is {location}.")
    if not columns:
        raise _Refused("An Iceberg table needs StorageDescriptor.Columns.")
    if table.get("PartitionKeys"):
        raise _Refused(
            "PartitionKeys of Iceberg tables are not emulated: partition the table in a job, by ALTER TABLE."
        )
    place = f"{location}/metadata/00000-{uuid.uuid4()}.metadata.json"
    arn = f"arn:aws:s3:::{place.removeprefix('s3://')}"
    if not caller_may("s3:PutObject", arn):
        raise _Refused(
            f"The caller is not authorized to perform: s3:PutObject on resource: {arn}", "AccessDeniedException"
        )
    return place, _metadata(location, columns, iceberg.get("Version") or "2")


def _iceberg_input(data: Mapping[str, Any]) -> Mapping[str, Any]:
    found = data["OpenTableFormatInput"].get("IcebergInput")
    if not found:
        raise _Refused("OpenTableFormatInput needs IcebergInput.")
    if found.get("MetadataOperation") != "CREATE":
        raise _Refused("The only value of IcebergInput.MetadataOperation is CREATE.")
    if str(found.get("Version") or "2") not in _VERSIONS:
        raise _Refused(f"IcebergInput.Version has to be one of {', '.join(_VERSIONS)} here, and is {found['Version']}.")
    if found.get("CreateIcebergTableInput") or found.get("IcebergTableInput"):
        raise _Refused("CreateIcebergTableInput is not emulated: give the columns in StorageDescriptor.")
    return dict(found)


def _metadata(location: str, columns: Sequence[Mapping[str, Any]], version: str) -> bytes:
    try:
        from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
        from pyiceberg.table.metadata import new_table_metadata
        from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
    except ImportError as error:
        raise _Refused(
            "Iceberg tables need the package pyiceberg here: pip install 'serverless-blueprints[athena]'"
        ) from error
    try:
        schema = schema_of(columns)
    except NotAType as error:
        raise _Refused(str(error)) from error
    properties = {"format-version": version, "write.parquet.compression-codec": "zstd"}
    created = new_table_metadata(schema, UNPARTITIONED_PARTITION_SPEC, UNSORTED_SORT_ORDER, location, properties)
    return json.dumps(json.loads(created.model_dump_json()), ensure_ascii=False).encode()


def _with_metadata(table: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The table's entry in the catalog, as engines look for it."""
    parameters = {**(table.get("Parameters") or {}), "table_type": "ICEBERG", "metadata_location": location}
    return {**table, "Parameters": parameters, "TableType": "EXTERNAL_TABLE"}


def _with_present_metadata(data: dict[str, Any]) -> dict[str, Any]:
    """A change of a table that leaves out its metadata, as CloudFormation's changes do, keeps it."""
    table = data.get("TableInput") or {}
    known = TABLES.current().get(f"{data.get('DatabaseName')}/{table.get('Name')}") or {}
    kept = {
        name: value
        for name, value in (known.get("Parameters") or {}).items()
        if name in ("table_type", "metadata_location", "previous_metadata_location")
    }
    if kept.get("table_type", "").upper() != "ICEBERG" or "Parameters" not in table:
        return data
    return {**data, "TableInput": {**table, "Parameters": {**kept, **(table["Parameters"] or {})}}}
