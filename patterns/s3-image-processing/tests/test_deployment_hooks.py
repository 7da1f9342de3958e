"""What the deployment hooks report about a version: images go through the real handler, and nothing of them is left."""

import io
import json
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from image_renditions import Rendered, Rendition
from PIL import Image, ImageDraw, ImageOps
from rendition_store import Manifest, manifest_key
from template_facts import handler_of

HOOKS = {"ProbeNewVersion": "_probe/d-1.png", "CheckLiveTraffic": "_check/d-1.png"}
for function in HOOKS:
    handler_of(function)  # fails with one line if the template has no such function
DEPLOYMENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}
SUCCEEDED = {"status": "Succeeded", "reported": True, "reason": None}


class Version:
    """Lambda's Invoke with a handler behind it; `afterwards` may change what the handler leaves behind."""

    def __init__(self, s3, handler, context, afterwards=None):
        self.s3, self.handler, self.context, self.afterwards = s3, handler, context, afterwards
        self.keys, self.kinds = [], []

    def invoke(self, *, FunctionName, Payload):
        event = json.loads(Payload)
        self.keys.append(event["detail"]["object"]["key"])
        self.kinds.append(event["detail-type"])
        try:
            answer, failure = self.handler(event, self.context), {}
            if self.afterwards:
                self.afterwards(self.s3, self.keys[-1])
        except Exception as error:  # noqa: BLE001 - Lambda reports any error
            answer, failure = {"errorType": type(error).__name__, "errorMessage": str(error)}, {"FunctionError": "x"}
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **failure}


class LiveS3:
    """An S3 whose changes reach a version at once, as if through the rule and the alias."""

    def __init__(self, s3, version):
        self.s3, self.version, self.clock = s3, version, time.time_ns()

    def __getattr__(self, name):
        return getattr(self.s3, name)

    def put_object(self, **call):
        answer = self.s3.put_object(**call)
        self._deliver("Object Created", call["Key"], etag=answer["ETag"].strip('"'), size=len(call["Body"]))
        return answer

    def delete_object(self, **call):
        answer = self.s3.delete_object(**call)
        if call["Bucket"] == "originals":
            self._deliver("Object Deleted", call["Key"])
        return answer

    def _deliver(self, kind, key, **stored):
        self.clock += 1
        detail = {"bucket": {"name": "originals"}, "object": {"key": key, "sequencer": f"{self.clock:016X}", **stored}}
        event = {"detail-type": kind, "time": "2026-11-12T08:15:30Z", "detail": detail}
        self.version.invoke(FunctionName="live", Payload=json.dumps(event))


class Hook:
    """One of the two hooks, with everything around it in memory; `run` returns what the hook returns."""

    def __init__(self, name, module, s3, context, monkeypatch, render_image):
        self.name, self.module, self.s3, self.context = name, module, s3, context
        self.monkeypatch, self.render_image, self.reports = monkeypatch, render_image, []

    def run(self, handler=None, afterwards=None):
        from blueprints_shared import deployment_hooks

        self.version = Version(self.s3, handler or self.render_image.handler, self.context, afterwards)
        clients = {
            "lambda": self.version,
            "s3": LiveS3(self.s3, self.version) if self.name == "CheckLiveTraffic" else self.s3,
            "codedeploy": SimpleNamespace(put_lifecycle_event_hook_execution_status=self._receive),
        }
        for module in (self.module, deployment_hooks):
            self.monkeypatch.setattr(module, "client", lambda service, **_: clients[service])
        answer = self.module.handler(DEPLOYMENT, self.context)
        assert self.reports == [("d-1", "e-1", answer["status"])]
        return answer

    def run_with(self, make):
        """Run with the real handler, in which `make(data, spec)` returns each rendition as a Pillow image."""

        def render(data):
            return Rendered("png", 320, 240, tuple(as_rendition(spec.name, make(data, spec)) for spec in specs))

        settings = self.render_image.load(self.render_image.Settings)
        specs = settings.renditions
        updater = replace(self.render_image.build_updater(settings, self.s3), render=render)
        self.monkeypatch.setattr(self.render_image, "updater", updater)
        return self.run()

    def _receive(self, *, deploymentId, lifecycleEventHookExecutionId, status):
        self.reports.append((deploymentId, lifecycleEventHookExecutionId, status))


def as_rendition(name, image):
    data = io.BytesIO()
    image.save(data, "PNG")
    return Rendition(name, *image.size, data.getvalue())


@pytest.fixture(params=HOOKS)
def hook(request, load_hook, s3, context, monkeypatch, render_image):
    made = Hook(request.param, load_hook(request.param), s3, context, monkeypatch, render_image)
    if request.param == "CheckLiveTraffic":
        monkeypatch.setattr(made.module, "_POLL_INTERVAL", 0.01)
        context.get_remaining_time_in_millis = lambda: 28_000  # leaves a second of waiting
    return made


def left(s3):
    return [
        item["Key"]
        for bucket in ("originals", "renditions")
        for item in s3.list_objects_v2(Bucket=bucket).get("Contents", ())
    ]


def test_a_version_that_works_succeeds_and_nothing_is_left(hook, s3):
    assert hook.run() == SUCCEEDED
    assert set(hook.version.keys) == {HOOKS[hook.name]}
    assert hook.version.kinds == ["Object Created", "Object Deleted"]
    assert left(s3) == []


def test_in_a_bucket_with_versions_no_version_and_no_delete_marker_is_left(hook, s3):
    s3.put_bucket_versioning(Bucket="originals", VersioningConfiguration={"Status": "Enabled"})
    assert hook.run()["status"] == "Succeeded"
    found = s3.list_object_versions(Bucket="originals")
    assert ("Versions" in found, "DeleteMarkers" in found) == (False, False)


def test_other_objects_are_left_alone(hook, s3):
    s3.put_object(Bucket="renditions", Key="_probe/d-1.png2/manifest.json", Body=b"{}")
    s3.put_object(Bucket="renditions", Key="photo/manifest.json", Body=b"{}")
    hook.run()
    assert left(s3) == ["_probe/d-1.png2/manifest.json", "photo/manifest.json"]


def test_a_version_that_raises_fails_and_nothing_is_left(hook, s3):
    def broken(event, context):
        raise ImportError("no module named pyvips")

    answer = hook.run(handler=broken)
    assert answer["status"] == "Failed"
    expected = {"ProbeNewVersion": "it raised ImportError: no module named pyvips"}
    assert expected.get(hook.name, "there is no manifest") in answer["reason"]
    assert left(s3) == []


IMAGE = as_rendition("medium", Image.new("RGB", (80, 60))).data
OTHER_SIZE = as_rendition("medium", Image.new("RGB", (61, 79))).data


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"words", "rendition 'medium' cannot be decoded"),
        (IMAGE[:60], "rendition 'medium' cannot be decoded"),
        (OTHER_SIZE, "rendition 'medium' is 61 x 79 pixels, its manifest says "),
    ],
    ids=["words", "truncated", "another size"],
)
def test_a_rendition_that_differs_from_its_manifest_fails(hook, s3, data, reason):
    def replace_rendition(s3, key):
        for item in s3.list_objects_v2(Bucket="renditions", Prefix=f"{key}/").get("Contents", ()):
            if item["Key"].endswith("medium.png"):
                s3.put_object(Bucket="renditions", Key=item["Key"], Body=data)

    answer = hook.run(afterwards=replace_rendition)
    assert answer["status"] == "Failed"
    assert reason in answer["reason"]
    assert left(s3) == []


def square(data, spec):
    return ImageOps.fit(Image.open(io.BytesIO(data)), (spec.longest_side, spec.longest_side))


def watermarked(data, spec):
    image = Image.open(io.BytesIO(data))
    image.thumbnail((spec.longest_side, spec.longest_side))
    ImageDraw.Draw(image).text((1, 1), "mine", fill="white")
    return image


def much_smaller(_data, spec):
    return Image.new("RGB", (max(1, spec.longest_side // 3), 1))


@pytest.mark.parametrize("make", [square, watermarked, much_smaller], ids=lambda make: make.__name__)
def test_a_crop_a_watermark_or_another_fit_needs_no_change_of_the_hooks(hook, s3, make):
    assert hook.run_with(make) == SUCCEEDED
    assert left(s3) == []


def test_a_rendition_larger_than_configured_fails(hook):
    answer = hook.run_with(lambda _data, spec: Image.new("RGB", (1, spec.longest_side + 1)))
    assert answer["reason"].endswith("is 1 x 21 pixels, larger than 20")


def test_a_missing_rendition_fails(hook):
    hook.monkeypatch.setenv("RENDITIONS", "thumbnail=20,medium=80,large=160,huge=300")
    assert "no rendition 'huge'" in hook.run()["reason"]


def test_a_rejection_of_a_good_image_fails(hook):
    def reject(event, context):
        key = event["detail"]["object"]["key"]
        manifest = Manifest(key, "rejected", "0A", code="damaged", reason="truncated")
        hook.s3.put_object(Bucket="renditions", Key=manifest_key(key), Body=manifest.to_json())
        return {}

    assert hook.run(handler=reject)["reason"].endswith("state rejected, code damaged, reason truncated")


def test_a_version_that_removes_no_renditions_fails(hook, s3):
    def half(event, context):
        return hook.render_image.handler(event, context) if event["detail-type"] == "Object Created" else {}

    assert hook.run(handler=half)["reason"] == "the image was removed, its renditions were not: state ready"
    assert left(s3) == []


def test_a_missing_setting_fails_with_its_name(hook, monkeypatch):
    monkeypatch.delenv("RENDITIONS_BUCKET")
    assert "RENDITIONS_BUCKET is not set" in hook.run()["reason"]


def test_the_probe_has_fewer_bytes_than_the_least_limit(hook):
    settings = hook.module.load(hook.module.ProbeSettings)
    with hook.module.probe_image("_probe/d-1.png", hook.s3, settings) as image:
        assert image.bytes < 1024  # the least MAX_BYTES that the handler accepts
