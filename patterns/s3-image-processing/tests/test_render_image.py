"""The handler, from event to objects in the buckets, on moto's S3."""

import copy
import io
import json
from pathlib import Path

import pytest
from PIL import Image
from template_facts import import_anew

PATTERN = Path(__file__).parent.parent


def picture(colour=(200, 30, 30), size=(300, 200), kind="JPEG"):
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, kind)
    return data.getvalue()


class Bucket:
    """Changes the source bucket, and returns the event that S3 sends."""

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
    assert [entry["name"] for entry in found["renditions"]] == ["thumbnail", "medium", "large"]
    for entry in found["renditions"]:
        data = s3.get_object(Bucket="renditions", Key=entry["key"])["Body"].read()
        image = Image.open(io.BytesIO(data))
        assert (image.size, len(data)) == ((entry["width"], entry["height"]), entry["bytes"])
        assert image.convert("RGB").getpixel((5, 5)) == pytest.approx((200, 30, 30), abs=3)
        assert entry["key"].startswith(f"{key}/{found['source']['etag']}/")


def test_a_rendition_has_the_configured_size_and_keeps_the_shape(render_image, s3, originals, context):
    render_image.handler(originals.put("photo", picture(size=(300, 200))), context)
    sizes = [(entry["width"], entry["height"]) for entry in manifest(s3, "photo")["renditions"]]
    assert sizes == [(20, 13), (80, 53), (160, 107)]


def test_an_overwritten_image_leaves_only_the_new_renditions(render_image, s3, originals, context):
    render_image.handler(originals.put("photo", picture()), context)
    render_image.handler(originals.put("photo", picture((0, 200, 0))), context)
    assert objects(s3) == {"photo/manifest.json"} | {entry["key"] for entry in manifest(s3, "photo")["renditions"]}


def test_a_late_event_and_a_repeated_one_change_nothing(render_image, s3, originals, context):
    first, second = (originals.put("photo", picture(colour)) for colour in ((200, 0, 0), (0, 200, 0)))
    render_image.handler(second, context)
    before = manifest(s3, "photo"), objects(s3)
    assert render_image.handler(first, context)["outcome"] == "superseded"
    assert render_image.handler(second, context)["outcome"] == "unchanged"
    assert (manifest(s3, "photo"), objects(s3)) == before


def test_a_deleted_image_leaves_a_tombstone_that_lifecycle_expires(render_image, s3, originals, context):
    render_image.handler(originals.put("photo", picture()), context)
    render_image.handler(originals.delete("photo"), context)
    assert objects(s3) == {"photo/manifest.json"}
    assert manifest(s3, "photo")["state"] == "deleted"
    assert s3.get_object_tagging(Bucket="renditions", Key="photo/manifest.json")["TagSet"] == [
        {"Key": "state", "Value": "deleted"}
    ]


def test_a_file_that_is_not_an_image_is_rejected_with_the_reason_and_counted(
    render_image, s3, originals, context, capsys
):
    answer = render_image.handler(originals.put("notes.jpg", b"these are words"), context)
    assert answer["outcome"] == "rejected"
    assert manifest(s3, "notes.jpg")["code"] == "not-an-image"
    assert "jpeg" in manifest(s3, "notes.jpg")["reason"]
    assert '"ImagesRejected":[1.0]' in capsys.readouterr().out.replace(" ", "")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (bytes(1_000_001), "too-many-bytes"),
        (picture(size=(1001, 1000)), "too-many-pixels"),
    ],
)
def test_an_object_over_a_limit_is_rejected(render_image, s3, originals, context, data, code):
    render_image.handler(originals.put("photo", data), context)
    assert (manifest(s3, "photo")["state"], manifest(s3, "photo")["code"]) == ("rejected", code)


def test_a_key_of_1024_bytes_is_rejected_under_its_hash(render_image, s3, originals, context):
    key = "x" * 1024
    assert render_image.handler(originals.put(key, picture()), context)["outcome"] == "rejected"
    (place,) = objects(s3)
    record = json.loads(s3.get_object(Bucket="renditions", Key=place)["Body"].read())
    assert place.startswith("_too-long/")
    assert (record["key"], record["code"]) == (key, "key-too-long")


def test_renditions_have_their_media_type_and_may_be_cached_for_ever(render_image, s3, originals, context):
    render_image.handler(originals.put("photo", picture()), context)
    entry = manifest(s3, "photo")["renditions"][0]
    head = s3.head_object(Bucket="renditions", Key=entry["key"])
    assert (entry["type"], head["ContentType"]) == ("image/png", "image/png")
    assert head["CacheControl"] == "public, max-age=31536000, immutable"
    assert s3.head_object(Bucket="renditions", Key="photo/manifest.json")["CacheControl"] == "no-cache"


@pytest.mark.parametrize("path", sorted((PATTERN / "events").glob("*.json")), ids=lambda path: path.stem)
def test_every_sample_event_is_handled(render_image, context, path):
    answer = render_image.handler(json.loads(path.read_text()), context)
    assert answer["outcome"] == ("superseded" if "created" in path.stem.split("-")[1] else "deleted")


def test_a_malformed_event_is_raised(render_image, context):
    with pytest.raises(ValueError, match="detail-type"):
        render_image.handler({"detail-type": "Scheduled Event"}, context)


def test_a_failure_of_s3_is_raised_so_that_lambda_retries(render_image, s3, originals, context):
    event = originals.put("photo", picture())
    s3.delete_object(Bucket="renditions", Key="photo")
    s3.delete_bucket(Bucket="renditions")
    with pytest.raises(Exception, match="NoSuchBucket"):
        render_image.handler(event, context)


def test_settings_are_checked_at_the_start(s3, monkeypatch):
    monkeypatch.setenv("RENDITIONS", "thumbnail:200")
    monkeypatch.setenv("OUTPUT_FORMAT", "bmp")
    monkeypatch.setenv("QUALITY", "best")
    monkeypatch.delenv("RENDITIONS_BUCKET")
    with pytest.raises(Exception, match="RENDITIONS_BUCKET is not set") as raised:
        import_anew("RenderImage")
    for part in ("'thumbnail:200' is not name=pixels", "'bmp' is none of", "QUALITY: 'best' is not a whole number"):
        assert part in str(raised.value)
