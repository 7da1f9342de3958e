"""Leaves out a second check of a queue's or topic's policy.

A call of a user or role was judged by the policy of its resource already, with all condition keys. The base emulator's
queues and topics check it once more as a call of the account, which has no tags and no role, and under the operation's
name. The owner's calls and those that services make inside the account are checked by them alone.
"""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.enforcement import was_judged

QUEUE = Internal("services.sqs", "_enforce_queue_policy", ("q", "iam_action"))
TOPIC = Internal("services.sns", "_enforce_topic_policy", ("topic", "iam_action"))


def install() -> None:
    """Check a policy only for calls that were not judged."""
    _unless_judged(QUEUE, "sqs")
    _unless_judged(TOPIC, "sns")


def _unless_judged(check: Internal, service: str) -> None:
    original: Callable[[dict[str, Any], str], Any] = check.current()

    def checked(resource: dict[str, Any], iam_action: str) -> Any:
        return None if was_judged(service) else original(resource, iam_action)

    check.replace(checked)
