"""An image was put into the source bucket or removed from it: make its renditions, or remove them."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from image_renditions import RenditionSpec, parse_specs, render
from rendition_store import RenditionStore
from update_renditions import Outcome, RenditionUpdater

from blueprints_shared import s3_events
from blueprints_shared.clients import client
from blueprints_shared.images import EXTENSIONS, Encoding
from blueprints_shared.observability import Logger, Metrics, MetricUnit
from blueprints_shared.settings import load, parsed, whole_number

_METRICS = {"rendered": "ImagesRendered", "rejected": "ImagesRejected", "deleted": "ImagesDeleted"}


def _output_format(text: str) -> str:
    if text not in EXTENSIONS:
        raise ValueError(f"{text!r} is none of {', '.join(EXTENSIONS)}")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment variables that the template sets; sizes in bytes and pixels."""

    renditions_bucket: str
    renditions: tuple[RenditionSpec, ...] = parsed(parse_specs)
    output_format: str = parsed(_output_format)
    quality: int = whole_number(1, 100)
    max_pixels: int = whole_number(1)
    max_bytes: int = whole_number(1024)
    keep_metadata: bool


def build_updater(settings: Settings, s3: Any) -> RenditionUpdater:
    """Put the parts together."""
    encoding = Encoding(settings.output_format, settings.quality, settings.keep_metadata)
    return RenditionUpdater(
        s3=s3,
        store=RenditionStore(s3, settings.renditions_bucket),
        render=partial(render, specs=settings.renditions, encoding=encoding, max_pixels=settings.max_pixels),
        output_format=settings.output_format,
        max_bytes=settings.max_bytes,
    )


logger = Logger()
metrics = Metrics()
updater = build_updater(load(Settings), client("s3"))


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Handle one change that EventBridge delivers; return what was done."""
    change = s3_events.parse(event)
    return _report(change, updater.update(change))


def _report(change: s3_events.ObjectChange, outcome: Outcome) -> dict[str, Any]:
    """Log and count the outcome, and return it."""
    result, manifest = outcome
    report = {
        "key": change.key,
        "change": change.kind,
        "sequencer": change.sequencer,
        "outcome": result,
        "reason": manifest.reason if manifest and result == "rejected" else None,
    }
    logger.info("handled", extra=report)
    if result in _METRICS:
        metrics.add_metric(_METRICS[result], MetricUnit.Count, 1)
    if manifest and result == "rendered":
        metrics.add_metric("RenditionBytes", MetricUnit.Bytes, sum(entry.bytes for entry in manifest.renditions))
    return report
