"""S3 notifications: the function's policy is checked, and events for EventBridge have the object's version."""

import json
import logging
from contextvars import ContextVar
from typing import Any

from blueprints.local.base.delivery import Delivery
from blueprints.local.base.internals import Internal
from blueprints.local.services.iam import may_invoke
from blueprints.local.services.lambda_ import AsynchronousInvocations

DELIVER_TO_LAMBDA = Internal("services.s3", "_deliver_event_to_lambda", ("arn", "event_payload", "bucket_region"))
FIRE = Internal(
    "services.s3",
    "_fire_s3_event",
    (
        "bucket_name",
        "key",
        "event_name",
        "size",
        "etag",
        "deletion_type",
        "restore_event_data",
        "version_id",
        "sequencer",
        "object_extra",
        "record_extra",
    ),
)
DISPATCH = Internal("services.eventbridge", "_dispatch_event", ("event", "view"))
VALIDATE = Internal(
    "services.s3",
    "_validate_notification_configs",
    ("configs", "bucket_region", "bucket_name", "skip_destination_validation"),
)
REFUSED = Internal("services.s3", "_invalid_notification_config", ("message",))

_version_id: ContextVar[str | None] = ContextVar("version_id", default=None)

log = logging.getLogger(__name__)


def install(invocations: AsynchronousInvocations) -> None:
    """Replace the base emulator's delivery to functions, and add version ids to its events."""

    def deliver_to_lambda(arn: str, event_payload: dict[str, Any], bucket_region: str) -> None:  # noqa: ARG001
        bucket = event_payload["Records"][0]["s3"]["bucket"]["name"]
        if not _may_notify(bucket, arn):
            log.error("bucket %s may not invoke %s: its policy does not allow s3.amazonaws.com", bucket, arn)
            return
        invocations.enqueue(Delivery.of(arn, event_payload, f"arn:aws:s3:::{bucket}"))

    fire = FIRE.current()
    dispatch = DISPATCH.current()

    def fire_with_version(*args: Any, **kwargs: Any) -> None:
        token = _version_id.set(kwargs.get("version_id"))
        try:
            fire(*args, **kwargs)
        finally:
            _version_id.reset(token)

    def dispatch_with_version(event: dict[str, Any], view: object = None) -> None:
        version = _version_id.get()
        if version and event.get("Source") == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"].setdefault("version-id", version)
            event = {**event, "Detail": json.dumps(detail)}
        dispatch(event, view)

    validate = VALIDATE.current()

    def validate_functions_too(
        configs: list[dict[str, Any]],
        bucket_region: str,
        bucket_name: str = "",
        skip_destination_validation: bool = False,
    ) -> object:
        refused = [
            each["arn"] for each in configs if each["type"] == "lambda" and not _may_notify(bucket_name, each["arn"])
        ]
        if refused and not skip_destination_validation:
            # S3 refuses the whole configuration when one destination's policy does not let it in.
            return REFUSED.current()(
                f"Unable to validate the following destination configurations: {', '.join(refused)}"
            )
        return validate(configs, bucket_region, bucket_name, skip_destination_validation)

    VALIDATE.replace(validate_functions_too)
    DELIVER_TO_LAMBDA.replace(deliver_to_lambda)
    FIRE.replace(fire_with_version)
    DISPATCH.replace(dispatch_with_version)


def _may_notify(bucket: str, function_arn: str) -> bool:
    return may_invoke(function_arn, "s3.amazonaws.com", f"arn:aws:s3:::{bucket}", function_arn.split(":")[4])
