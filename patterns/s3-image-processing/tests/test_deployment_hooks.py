"""What CodeDeploy is told of a version: images go through the real handler, and nothing of them stays."""

import io
import json
import time
from types import SimpleNamespace

import pytest
from template_facts import handler_of

HOOKS = ["ProbeNewVersion", "CheckLiveTraffic"]
for function in HOOKS:
    handler_of(function)  # says in one line when there is no such function any more
DEPLOYMENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}


class Version:
    """Lambda with a handler behind it, as a hook's client sees it; `lies` changes what the handler leaves behind."""

    def __init__(self, s3, handler, context, lies=None):
        self.s3, self.handler, self.context, self.lies = s3, handler, context, lies
        self.keys, self.kinds = [], []

    def invoke(self, *, FunctionName, Payload):
        event = json.loads(Payload)
        self.keys.append(event["detail"]["object"]["key"])
        self.kinds.append(event["detail-type"])
        try:
            answer = self.handler(event, self.context)
            if self.lies:
                self.lies(self.s3, self.keys[-1])
        except Exception as error:  # noqa: BLE001 - Lambda's own answer
            said = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(said).encode())}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


class Live:
    """An S3 whose changes reach a version at once, as the rule and the alias would bring them."""

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
        stored |= {"key": key, "sequencer": f"{self.clock:016X}"}
        detail = {"bucket": {"name": "originals"}, "object": stored}
        event = {"detail-type": kind, "time": "2026-11-12T08:15:30Z", "detail": detail}
        self.version.invoke(FunctionName="live", Payload=json.dumps(event))


class Hook:
    """One of the two hooks, with everything around it in memory; `run` returns the hook's answer."""

    def __init__(self, name, module, s3, context, monkeypatch, render_image):
        self.name, self.module, self.s3, self.context = name, module, s3, context
        self.monkeypatch, self.told = monkeypatch, []
        self.render_image, self.real = render_image, render_image.handler

    def run(self, handler=None, lies=None):
        from blueprints_shared import deployment_hooks

        self.version = Version(self.s3, handler or self.real, self.context, lies)
        clients = {
            "lambda": self.version,
            "s3": Live(self.s3, self.version) if self.name == "CheckLiveTraffic" else self.s3,
            "codedeploy": SimpleNamespace(put_lifecycle_event_hook_execution_status=self._hear),
        }
        for module in (self.module, deployment_hooks):
            self.monkeypatch.setattr(module, "client", lambda service, **_: clients[service])
        answer = self.module.handler(DEPLOYMENT, self.context)
        assert self.told == [("d-1", "e-1", answer["status"])]
        return answer

    def _hear(self, *, deploymentId, lifecycleEventHookExecutionId, status):
        self.told.append((deploymentId, lifecycleEventHookExecutionId, status))


@pytest.fixture
def hook_named(load_hook, s3, context, monkeypatch, render_image):
    return lambda name: Hook(name, load_hook(name), s3, context, monkeypatch, render_image)


@pytest.fixture(params=HOOKS)
def hook(request, hook_named):
    made = hook_named(request.param)
    if request.param == "CheckLiveTraffic":
        made.monkeypatch.setattr(made.module, "_BETWEEN_LOOKS", 0.01)
        made.context.get_remaining_time_in_millis = lambda: 26_000  # a second of waiting
    return made


def left(s3):
    return [
        item["Key"]
        for bucket in ("originals", "renditions")
        for item in s3.list_objects_v2(Bucket=bucket).get("Contents", ())
    ]


def test_a_version_that_works_succeeds_and_nothing_stays(hook, s3):
    assert hook.run() == {"status": "Succeeded", "reported": True, "reason": None}
    prefix = {"ProbeNewVersion": "_probe/", "CheckLiveTraffic": "_check/"}[hook.name]
    assert set(hook.version.keys) == {f"{prefix}d-1.png"}
    assert hook.version.kinds == ["Object Created", "Object Deleted"]
    assert left(s3) == []


def test_in_a_bucket_with_versions_no_version_and_no_marker_stays(hook, s3):
    s3.put_bucket_versioning(Bucket="originals", VersioningConfiguration={"Status": "Enabled"})
    assert hook.run()["status"] == "Succeeded"
    found = s3.list_object_versions(Bucket="originals")
    assert ("Versions" in found, "DeleteMarkers" in found) == (False, False)


def test_other_objects_stay(hook, s3):
    s3.put_object(Bucket="renditions", Key="_probe/d-1.png2/manifest.json", Body=b"{}")
    s3.put_object(Bucket="renditions", Key="photo/manifest.json", Body=b"{}")
    hook.run()
    assert left(s3) == ["_probe/d-1.png2/manifest.json", "photo/manifest.json"]


def broken(event, context):
    raise ImportError("no module named pyvips")


def test_a_version_that_raises_is_taken_back_and_nothing_stays(hook, s3):
    answer = hook.run(handler=broken)
    assert answer["status"] == "Failed"
    expected = {"ProbeNewVersion": "it raised ImportError: no module named pyvips"}
    assert expected.get(hook.name, "there is no manifest") in answer["reason"]
    assert left(s3) == []


def replaced_rendition(data):
    def lies(s3, key):
        for item in s3.list_objects_v2(Bucket="renditions", Prefix=f"{key}/").get("Contents", ()):
            if item["Key"].endswith("medium.png"):
                s3.put_object(Bucket="renditions", Key=item["Key"], Body=data)

    return lies


def an_image_of(width, height):
    from PIL import Image

    data = io.BytesIO()
    Image.new("RGB", (width, height)).save(data, "PNG")
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"words", "rendition 'medium' does not open"),
        (an_image_of(80, 60)[:60], "rendition 'medium' does not open"),
        (an_image_of(61, 79), "rendition 'medium' is 61 x 79 pixels, its manifest says "),
    ],
    ids=["words", "truncated", "of another size"],
)
def test_a_rendition_that_is_not_what_its_manifest_says_is_found(hook, s3, data, reason):
    answer = hook.run(lies=replaced_rendition(data))
    assert answer["status"] == "Failed"
    assert reason in answer["reason"]
    assert left(s3) == []


def made_by(hook, make):
    """The real handler, but for how an image's bytes become renditions: `make(data, spec)` gives each one."""
    from dataclasses import replace

    from image_renditions import Rendered

    settings = hook.render_image.load(hook.render_image.Settings)

    def render(data):
        return Rendered("png", 320, 240, tuple(make(data, spec) for spec in settings.renditions))

    settler = replace(hook.render_image.build_settler(settings, hook.s3), render=render)
    hook.monkeypatch.setattr(hook.render_image, "settler", settler)
    return hook.real


def square(data, spec):
    from PIL import Image, ImageOps

    return a_rendition(spec.name, ImageOps.fit(Image.open(io.BytesIO(data)), (spec.longest_side, spec.longest_side)))


def watermarked(data, spec):
    from PIL import Image, ImageDraw

    image = Image.open(io.BytesIO(data))
    image.thumbnail((spec.longest_side, spec.longest_side))
    ImageDraw.Draw(image).text((1, 1), "mine", fill="white")
    return a_rendition(spec.name, image)


def much_smaller(_data, spec):
    from PIL import Image

    return a_rendition(spec.name, Image.new("RGB", (max(1, spec.longest_side // 3), 1)))


def one_pixel_larger(_data, spec):
    from PIL import Image

    return a_rendition(spec.name, Image.new("RGB", (1, spec.longest_side + 1)))


def a_rendition(name, image):
    from image_renditions import Rendition

    data = io.BytesIO()
    image.save(data, "PNG")
    return Rendition(name, *image.size, data.getvalue())


@pytest.mark.parametrize("make", [square, watermarked, much_smaller], ids=lambda make: make.__name__)
def test_how_an_image_is_fitted_and_painted_is_left_to_the_function(hook, s3, make):
    """A crop, a frame or a watermark needs no change of the hooks."""
    assert hook.run(handler=made_by(hook, make)) == {"status": "Succeeded", "reported": True, "reason": None}
    assert left(s3) == []


def test_a_rendition_larger_than_the_settings_ask_for_is_found(hook):
    assert hook.run(handler=made_by(hook, one_pixel_larger))["reason"].endswith("is 1 x 21 pixels, larger than 20")


def test_a_rendition_that_the_settings_ask_for_and_is_missing_is_found(hook):
    hook.monkeypatch.setenv("RENDITIONS", "thumbnail=20,medium=80,large=160,huge=300")
    assert "no rendition 'huge'" in hook.run()["reason"]


def test_a_rejection_of_a_good_image_is_found(hook):
    hook.monkeypatch.setenv("MAX_PIXELS", "100000000")

    def rejecting(event, context):
        hook.s3.put_object(
            Bucket="renditions",
            Key=event["detail"]["object"]["key"] + "/manifest.json",
            Body=json.dumps({"state": "rejected", "code": "damaged", "reason": "truncated"}).encode(),
        )

    assert hook.run(handler=rejecting)["reason"].endswith("state rejected, code damaged, reason truncated")


def test_a_version_that_removes_nothing_is_found(hook, s3):
    def half(event, context):
        return hook.real(event, context) if event["detail-type"] == "Object Created" else None

    assert hook.run(handler=half)["reason"] == "the image was removed, its renditions were not: state ready"
    assert left(s3) == []


@pytest.mark.parametrize("max_pixels", ["1", "2", "700", "76800"])
def test_the_image_keeps_to_the_limit_of_pixels(hook, monkeypatch, max_pixels):
    monkeypatch.setenv("MAX_PIXELS", max_pixels)
    from dataclasses import replace

    render_image = hook.render_image
    settings = replace(render_image.load(render_image.Settings), max_pixels=int(max_pixels))
    monkeypatch.setattr(render_image, "settler", render_image.build_settler(settings, hook.s3))
    assert hook.run()["status"] == "Succeeded"


def test_a_missing_setting_is_an_answer_too(hook, monkeypatch):
    monkeypatch.delenv("RENDITIONS_BUCKET")
    assert "RENDITIONS_BUCKET is not set" in hook.run()["reason"]


def test_the_image_has_fewer_bytes_than_the_least_limit(s3):
    import deployment_probe as probe
    from image_renditions import parse_specs

    settings = probe.ProbeSettings(
        source_bucket="originals", renditions_bucket="renditions", renditions=parse_specs("a=1"), max_pixels=64_000_000
    )
    with probe.image_under("_probe/d-1.png", s3, settings) as image:
        assert image.size == (320, 240)
        assert image.bytes < 1024  # MaxBytes' MinValue
