"""The handler from event to objects, on moto's S3: what is in the buckets afterwards."""

import copy
import io
import json

import pytest
from PIL import Image


def picture(colour=(200, 30, 30), size=(300, 200), kind="JPEG"):
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, kind)
    return data.getvalue()


class Bucket:
    """Changes the source as S3 would, and returns the event it would send."""

    def __init__(self, s3, created, deleted):
        self.s3, self.created, self.deleted, self.clock = s3, created, deleted, 0x0069144000000000

    def put(self, key, data):
        etag = self.s3.put_object(Bucket="originals", Key=key, Body=data)["ETag"].strip('"')
        return self._event(self.created, key, etag=etag, size=len(data))

    def delete(self, key):
        self.s3.delete_object(Bucket="originals", Key=key)
        return self._event(self.deleted, key)

    def _event(self, template, key, **stored):
        event = copy.deepcopy(template)
        self.clock += 1
        event["detail"]["object"] |= {"key": key, "sequencer": f"{self.clock:016X}", **stored}
        return event


@pytest.fixture
def originals(s3, sample):
    return Bucket(s3, sample("object-created-put"), sample("object-deleted"))


def objects(s3):
    return {item["Key"] for item in s3.list_objects_v2(Bucket="renditions").get("Contents", ())}


def manifest(s3, key):
    return json.loads(s3.get_object(Bucket="renditions", Key=f"{key}/manifest.json")["Body"].read())


KEYS = [
    "photo.jpg",
    "no-extension",
    "a/b/c/photo.jpg",
    "holiday/../photo.jpg",
    "with space + plus.jpg",
    "percent%2Fencoded%20.jpg",
    "写真/木漏れ日.jpg",
    "😀.jpg",
    "trailing/",
    "twice//slashed.jpg",
]


@pytest.mark.parametrize("key", KEYS)
def test_an_image_gets_its_renditions_whatever_its_key(render_image, s3, originals, context, key):
    render_image.handler(originals.put(key, picture()), context)
    found = manifest(s3, key)
    assert found["state"] == "ready"
    assert [(entry["name"], entry["width"], entry["height"]) for entry in found["renditions"]] == [
        ("thumbnail", 20, 13),
        ("medium", 80, 53),
        ("large", 160, 107),
    ]
    for entry in found["renditions"]:
        data = s3.get_object(Bucket="renditions", Key=entry["key"])["Body"].read()
        image = Image.open(io.BytesIO(data))
        assert (image.size, len(data)) == ((entry["width"], entry["height"]), entry["bytes"])
        assert image.convert("RGB").getpixel((5, 5)) == pytest.approx((200, 30, 30), abs=3)
        assert entry["key"].startswith(f"{key}/{found['source']['etag']}/")


def test_an_overwritten_image_leaves_only_the_new_renditions(render_image, s3, originals, context):
    render_image.handler(originals.put("photo", picture()), context)
    render_image.handler(originals.put("photo", picture((0, 200, 0))), context)
    assert objects(s3) == {"photo/manifest.json"} | {entry["key"] for entry in manifest(s3, "photo")["renditions"]}


def test_a_deleted_image_leaves_a_tombstone_that_lifecycle_expires(render_image, s3, originals, context):
    render_image.handler(originals.put("photo", picture()), context)
    render_image.handler(originals.delete("photo"), context)
    assert objects(s3) == {"photo/manifest.json"}
    assert manifest(s3, "photo")["state"] == "deleted"
    assert s3.get_object_tagging(Bucket="renditions", Key="photo/manifest.json")["TagSet"] == [
        {"Key": "state", "Value": "deleted"}
    ]


def test_what_is_no_image_is_rejected_with_the_reason_and_counted(render_image, s3, originals, context, capsys):
    answer = render_image.handler(originals.put("notes.jpg", b"these are words"), context)
    assert answer["outcome"] == "rejected"
    assert manifest(s3, "notes.jpg")["code"] == "not-an-image"
    assert "jpeg" in manifest(s3, "notes.jpg")["reason"]
    assert '"ImagesRejected":[1.0]' in capsys.readouterr().out.replace(" ", "")
