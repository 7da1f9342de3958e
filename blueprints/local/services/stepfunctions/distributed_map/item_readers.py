"""`ItemReader`: the items of a distributed Map that are in S3, read in the role of the state machine.

Source: "ItemReader (Map)" in the Step Functions Developer Guide.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from blueprints.local.services.stepfunctions.distributed_map.input_formats import (
    DELIMITERS,
    Format,
    items_in,
    reader_failed,
)
from blueprints.local.services.stepfunctions.distributed_map.s3_failures import access_denied_message, sdk_message

STATE_DATA = "STATE_DATA"
MOST_ITEMS = 100_000_000


@dataclass(slots=True)
class Item:
    """One item of a Map, as `$$.Map.Item` describes it."""

    value: Any
    source: str = STATE_DATA
    """`STATE_DATA`, `S3://BUCKET` for entries of a listing, or `S3://BUCKET/KEY`."""


@dataclass(frozen=True)
class ItemReader:
    """An `ItemReader` whose expressions were evaluated."""

    resource: str
    """`s3:listObjectsV2` or `s3:getObject`."""
    parameters: Mapping[str, Any]
    """The parameters of the S3 request, such as Bucket, Key, Prefix and ExpectedBucketOwner."""
    account: str
    """The account that owns every bucket here."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """`ReaderConfig`; its MaxItems is a number here, whatever form it had."""

    def read(self, s3: Any) -> list[Item]:
        """Read every item, with a boto3 client. Raises StateFailed with States.ItemReaderFailed."""
        limit = int(self.config.get("MaxItems") or 0)
        if limit < 0:
            raise reader_failed("field MaxItems must be positive")
        return list(islice(self._items(_Objects(s3, self)), limit or MOST_ITEMS))

    def _items(self, objects: "_Objects") -> Iterator[Item]:
        if self.resource == "s3:listObjectsV2":
            listing = objects.list()
            if self.config.get("Transformation") == "LOAD_AND_FLATTEN":
                return self._load(objects, (each["Key"] for each in listing if not each["Key"].endswith("/")))
            return (Item(each, f"S3://{self.bucket}") for each in listing)
        if self.config.get("ManifestType") == "ATHENA_DATA":
            return self._unloaded_by_athena(objects)
        if self.config.get("InputType") == "MANIFEST":
            return self._inventory(objects)
        return self._load(objects, [str(self.parameters.get("Key", ""))])

    @property
    def bucket(self) -> str:
        """The bucket to read from."""
        return str(self.parameters.get("Bucket", ""))

    @property
    def form(self) -> Format:
        """How to read one object."""
        config = self.config
        given = config.get("CSVHeaderLocation") == "GIVEN"
        delimiter = config.get("CSVDelimiter", "COMMA")
        if delimiter not in DELIMITERS:
            raise reader_failed(f"CSVDelimiter {delimiter} is none of {', '.join(DELIMITERS)}.")
        return Format(
            str(config.get("InputType", "JSON")),
            tuple(map(str, config.get("CSVHeaders", ()))) if given else None,
            delimiter,
            str(config.get("ItemsPointer", "")),
        )

    def _load(self, objects: "_Objects", keys: Iterable[str]) -> Iterator[Item]:
        for key in keys:
            for value in items_in(objects.get(self.bucket, key), key, self.form):
                yield Item(value, f"S3://{self.bucket}/{key}")

    def _unloaded_by_athena(self, objects: "_Objects") -> Iterator[Item]:
        """The rows of the files that an UNLOAD statement wrote; its manifest has one S3 URI per line."""
        manifest = objects.get(self.bucket, str(self.parameters.get("Key", "")))
        for line in manifest.decode(errors="replace").split():
            uri = urlsplit(line)
            key = uri.path.removeprefix("/")
            for value in items_in(objects.get(uri.netloc, key), key, self.form):
                yield Item(value, f"S3://{uri.netloc}/{key}")

    def _inventory(self, objects: "_Objects") -> Iterator[Item]:
        """The rows of the CSV files that an S3 inventory's manifest.json lists."""
        key = str(self.parameters.get("Key", ""))
        try:
            manifest = json.loads(objects.get(self.bucket, key))
            columns = tuple(each.strip() for each in manifest["fileSchema"].split(","))
            bucket = manifest["destinationBucket"].removeprefix("arn:aws:s3:::")
            files = [each["key"] for each in manifest["files"]]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise reader_failed(f"{key} is not the manifest of an S3 inventory: {error!r}") from None
        if manifest.get("fileFormat", "CSV") != "CSV":
            raise reader_failed(f"The S3 inventory is in {manifest['fileFormat']}; Step Functions reads CSV.")
        for file in files:
            for value in items_in(objects.get(bucket, file), file, Format("CSV", columns)):
                yield Item(value, f"S3://{self.bucket}/{key}")


class _Objects:
    """S3 requests that fail as an ItemReader does."""

    def __init__(self, s3: Any, reader: ItemReader) -> None:
        self._s3, self._reader = s3, reader

    def list(self) -> Iterator[dict[str, Any]]:
        """The objects of a listing, page after page, by the names that Step Functions uses."""
        token: dict[str, str] = {}
        while True:
            page = self._call(self._s3.list_objects_v2, **{**self._reader.parameters, **token})
            for each in page.get("Contents", ()):
                yield {
                    "Etag": each["ETag"],
                    "Key": each["Key"],
                    "LastModified": int(each["LastModified"].timestamp()),
                    "Size": each["Size"],
                    "StorageClass": each.get("StorageClass", "STANDARD"),
                }
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def get(self, bucket: str, key: str) -> bytes:
        """The bytes of an object; a VersionId is that of the object which the reader names."""
        given = self._reader.parameters
        parameters = given if given.get("Key") == key and given.get("Bucket") == bucket else {}
        response = self._call(self._s3.get_object, **{**parameters, "Bucket": bucket, "Key": key})
        body: bytes = response["Body"].read()
        return body

    def _call(self, operation: Any, **parameters: Any) -> Any:
        owner = str(parameters.get("ExpectedBucketOwner") or self._reader.account)
        if owner != self._reader.account:
            # The base emulator ignores the parameter; every bucket here belongs to this account.
            raise reader_failed(access_denied_message())
        try:
            return operation(**parameters)
        except ClientError as error:
            raise reader_failed(sdk_message(error)) from None
        except BotoCoreError as error:
            raise reader_failed(str(error)) from None
