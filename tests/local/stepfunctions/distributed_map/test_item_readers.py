"""Items in S3."""

import gzip
import json
from typing import Any

import pytest

from blueprints.local.services.stepfunctions.distributed_map.item_readers import Item, ItemReader
from blueprints.local.services.stepfunctions.execution import map_items
from blueprints.states_language.failures import StateFailed
from tests.local.stepfunctions.distributed_map.s3_in_memory import LAST_MODIFIED, S3InMemory

ACCOUNT = "123456789012"


def reader(resource: str = "s3:getObject", key: str | None = None, **config: Any) -> ItemReader:
    parameters = {"Bucket": "lake"} if key is None else {"Bucket": "lake", "Key": key}
    return ItemReader(resource, parameters, ACCOUNT, config)


def values(items: list[Item]) -> list[Any]:
    return [each.value for each in items]


def test_a_listing_gives_an_item_per_object_over_all_pages():
    s3 = S3InMemory(**{f"in/{name}": name.encode() for name in "abcde"}, other=b"")
    listing = ItemReader("s3:listObjectsV2", {"Bucket": "lake", "Prefix": "in/"}, ACCOUNT)
    items = listing.read(s3)
    assert [each["Key"] for each in values(items)] == [f"in/{name}" for name in "abcde"]
    assert items[0] == Item(
        {
            "Etag": '"abc"',
            "Key": "in/a",
            "LastModified": int(LAST_MODIFIED.timestamp()),
            "Size": 1,
            "StorageClass": "STANDARD",
        },
        "S3://lake",
    )


def test_a_listing_ends_at_the_largest_number_of_items():
    s3 = S3InMemory(**dict.fromkeys("abcdefgh", b""))
    assert len(reader("s3:listObjectsV2", MaxItems=3).read(s3)) == 3
    assert len(s3.calls) == 2


def test_an_empty_listing_has_no_items():
    assert reader("s3:listObjectsV2").read(S3InMemory()) == []


def test_a_listing_is_loaded_and_flattened():
    s3 = S3InMemory(**{"a.csv": b"n\n1\n2\n", "b.csv": b"n\n3\n", "folder/": b""})
    listing = reader(
        "s3:listObjectsV2", InputType="CSV", CSVHeaderLocation="FIRST_ROW", Transformation="LOAD_AND_FLATTEN"
    )
    assert listing.read(s3) == [
        Item({"n": "1"}, "S3://lake/a.csv"),
        Item({"n": "2"}, "S3://lake/a.csv"),
        Item({"n": "3"}, "S3://lake/b.csv"),
    ]


def test_an_object_gives_its_items():
    s3 = S3InMemory(**{"rows.csv": b"1;2\n"})
    config = {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["a", "b"], "CSVDelimiter": "SEMICOLON"}
    assert reader(key="rows.csv", **config).read(s3) == [Item({"a": "1", "b": "2"}, "S3://lake/rows.csv")]


def test_a_version_of_the_object_is_asked_for():
    s3 = S3InMemory(items=b"[1]")
    ItemReader("s3:getObject", {"Bucket": "lake", "Key": "items", "VersionId": "v1"}, ACCOUNT).read(s3)
    assert s3.calls == [("GetObject", {"Bucket": "lake", "Key": "items", "VersionId": "v1"})]


def test_entries_of_an_object_have_keys_and_elements_of_an_array_have_none():
    s3 = S3InMemory(entries=b'{"a": 1}', elements=b'[{"Key": "a", "Value": 1}]')
    assert [
        map_items.described(each.value, 0).get("Key") for each in reader(key="entries", InputType="JSON").read(s3)
    ] == ["a"]
    assert [
        map_items.described(each.value, 0).get("Key") for each in reader(key="elements", InputType="JSON").read(s3)
    ] == [None]


@pytest.mark.parametrize(("most", "read"), [(0, [1, 2, 3]), (2, [1, 2]), (100_000_001, [1, 2, 3])])
def test_max_items_limits_the_items(most: int, read: list[int]):
    assert values(reader(key="items", MaxItems=most).read(S3InMemory(items=b"[1,2,3]"))) == read


def test_a_negative_max_items_is_refused():
    with pytest.raises(StateFailed, match="field MaxItems must be positive"):
        reader(key="items", MaxItems=-1).read(S3InMemory(items=b"[1,2,3]"))


def test_an_inventory_gives_the_rows_of_its_files():
    manifest = {
        "destinationBucket": "arn:aws:s3:::inventories",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size",
        "files": [{"key": "data/1.csv.gz"}, {"key": "data/2.csv.gz"}],
    }
    s3 = S3InMemory(
        **{
            "manifest.json": json.dumps(manifest).encode(),
            "data/1.csv.gz": gzip.compress(b'"lake","a","1"\n"lake","b","2"\n'),
            "data/2.csv.gz": gzip.compress(b'"lake","c","3"\n'),
        }
    )
    assert values(reader(key="manifest.json", InputType="MANIFEST").read(s3)) == [
        {"Bucket": "lake", "Key": "a", "Size": "1"},
        {"Bucket": "lake", "Key": "b", "Size": "2"},
        {"Bucket": "lake", "Key": "c", "Size": "3"},
    ]
    assert {parameters["Bucket"] for _, parameters in s3.calls[1:]} == {"inventories"}


@pytest.mark.parametrize(
    "manifest",
    [b"[]", b"no json", b'{"files": []}', b'{"fileFormat":"ORC","fileSchema":"","destinationBucket":"","files":[]}'],
)
def test_what_is_no_inventory_of_csv_files_is_refused(manifest: bytes):
    with pytest.raises(StateFailed, match="inventory"):
        reader(key="manifest.json", InputType="MANIFEST").read(S3InMemory(**{"manifest.json": manifest}))


def test_the_files_of_an_athena_unload_are_read():
    s3 = S3InMemory(
        **{
            "manifest.csv": b"s3://lake/out/1.jsonl\ns3://lake/out/2.jsonl\n",
            "out/1.jsonl": b'{"n":1}\n',
            "out/2.jsonl": b'{"n":2}\n{"n":3}\n',
        }
    )
    unload = reader(key="manifest.csv", InputType="JSONL", ManifestType="ATHENA_DATA")
    assert [(each.value["n"], each.source) for each in unload.read(s3)] == [
        (1, "S3://lake/out/1.jsonl"),
        (2, "S3://lake/out/2.jsonl"),
        (3, "S3://lake/out/2.jsonl"),
    ]


def test_a_missing_object_fails_in_the_words_of_s3():
    with pytest.raises(StateFailed) as failed:
        reader(key="missing").read(S3InMemory())
    assert failed.value.error == "States.ItemReaderFailed"
    assert failed.value.cause.startswith("The specified key does not exist. (Service: Amazon S3; Status Code: 404;")


@pytest.mark.parametrize(
    ("operation", "resource"), [("GetObject", "s3:getObject"), ("ListObjectsV2", "s3:listObjectsV2")]
)
def test_a_request_that_the_role_may_not_make_fails(operation: str, resource: str):
    s3 = S3InMemory(items=b"[]")
    s3.denied = {operation}
    with pytest.raises(StateFailed, match="Access Denied"):
        reader(resource, key="items" if resource == "s3:getObject" else None).read(s3)


def test_a_bucket_of_another_owner_is_denied():
    parameters = {"Bucket": "lake", "Key": "items", "ExpectedBucketOwner": "210987654321"}
    s3 = S3InMemory(items=b"[1]")
    with pytest.raises(StateFailed, match="Access Denied"):
        ItemReader("s3:getObject", parameters, ACCOUNT).read(s3)
    own = {**parameters, "ExpectedBucketOwner": ACCOUNT}
    assert values(ItemReader("s3:getObject", own, ACCOUNT).read(s3)) == [1]
