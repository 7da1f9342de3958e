"""Loses nothing: failed events are set aside unchanged, block nothing, and can be replayed."""

import re
from collections.abc import Iterator
from typing import Any

from blueprints.findings import Finding
from blueprints.promises.checked_pattern import CheckedPattern, Resource
from blueprints.promises.values import alternatives, always, at, items, mappings, references, text

_KEPT_SECONDS = 14 * 24 * 3600
_FOR_EVER = "-1"


def asynchronous_failures_are_set_aside(checked: CheckedPattern) -> Iterator[Finding]:
    """Asynchronous events that a function cannot process go to an on-failure destination of its alias."""
    for function in checked.reached:
        if "asynchronous" in checked.kinds_of(function) and not _has_destination(checked, function):
            message = (
                f"{function} loses events that fail; write 'EventInvokeConfig: {{DestinationConfig: {{OnFailure: "
                "{Type: SQS, Destination: !GetAtt ….Arn}}}' beside AutoPublishAlias."
            )
            yield checked.finding_at(function, message, "EventInvokeConfig")


def undelivered_events_are_set_aside(checked: CheckedPattern) -> Iterator[Finding]:
    """Every target of an EventBridge rule has a retry policy and a dead-letter queue."""
    for rule in checked.of_type("AWS::Events::Rule"):
        for target in mappings(rule.properties, "Targets"):
            for name, example in (
                ("RetryPolicy", "{MaximumRetryAttempts: 185, MaximumEventAgeInSeconds: 86400}"),
                ("DeadLetterConfig", "{Arn: !GetAtt DeadLetters.Arn}"),
            ):
                if not any(alternatives(target.get(name))):
                    message = f"A target of {rule} has no {name}; write '{name}: {example}'."
                    yield checked.finding_at(rule, message)


def rules_may_send_to_their_dead_letters(checked: CheckedPattern) -> Iterator[Finding]:
    """A rule has the permission to send to its dead-letter queue; SAM does not write that policy."""
    for rule in checked.of_type("AWS::Events::Rule"):
        settings = list(at(rule.properties, "Targets", "DeadLetterConfig", "Arn"))
        for queue in checked.named(settings, "AWS::SQS::Queue"):
            if not any(_lets_send(each, rule) for each in _queue_statements(checked, queue)):
                message = (
                    f"{queue} does not let {rule} send, so its dead letters would be lost; write an "
                    "AWS::SQS::QueuePolicy that allows events.amazonaws.com sqs:SendMessage with the condition "
                    f"'ArnEquals: {{aws:SourceArn: !GetAtt {rule}.Arn}}'."
                )
                yield checked.finding_at(queue, message)


def streams_set_aside_whole_records(checked: CheckedPattern) -> Iterator[Finding]:
    """A stream's failed batches go to a bucket: only there does Lambda store the records themselves."""
    for mapping in checked.mappings("stream"):
        written = list(at(mapping.properties, "DestinationConfig", "OnFailure", "Destination"))
        bucket = checked.named(written, "AWS::S3::Bucket") or [each for each in written if ":s3:::" in text(each)]
        if not bucket:
            message = (
                f"{mapping} does not keep failed records; write 'DestinationConfig: {{OnFailure: {{Type: S3, "
                "Destination: !GetAtt ….Arn}}'."
            )
            yield checked.finding_at(mapping, message, "DestinationConfig")


def failed_batches_are_reported_in_part(checked: CheckedPattern) -> Iterator[Finding]:
    """A function that reads batches reports which items failed, so that only those are retried."""
    for mapping in checked.mappings("stream", "queue"):
        if "ReportBatchItemFailures" not in items(mapping.properties.get("FunctionResponseTypes")):
            message = f"{mapping} retries whole batches; write 'FunctionResponseTypes: [ReportBatchItemFailures]'."
            yield checked.finding_at(mapping, message, "FunctionResponseTypes")


def failed_stream_batches_are_bisected(checked: CheckedPattern) -> Iterator[Finding]:
    """A stream's failed batch is split in two until a bad record is alone."""
    for mapping in checked.mappings("stream"):
        if not always(mapping.properties.get("BisectBatchOnFunctionError"), expected=True):
            message = f"{mapping} gives up whole batches; write 'BisectBatchOnFunctionError: true'."
            yield checked.finding_at(mapping, message, "BisectBatchOnFunctionError")


def streams_are_not_blocked_for_ever(checked: CheckedPattern) -> Iterator[Finding]:
    """A stream's failed batch is given up after a number of attempts, or at an age."""
    for mapping in checked.mappings("stream"):
        bounds = [mapping.properties.get(name) for name in ("MaximumRetryAttempts", "MaximumRecordAgeInSeconds")]
        if not any(bound is not None and _FOR_EVER not in map(text, alternatives(bound)) for bound in bounds):
            message = f"A bad record blocks {mapping} until it expires; write 'MaximumRetryAttempts: 5'."
            yield checked.finding_at(mapping, message, "MaximumRetryAttempts")


def queues_have_redrive(checked: CheckedPattern) -> Iterator[Finding]:
    """A queue that a function reads moves a message to a dead-letter queue after a number of attempts."""
    for mapping in checked.mappings("queue"):
        for queue in checked.named(mapping.properties.get("EventSourceArn"), "AWS::SQS::Queue"):
            policy = queue.properties.get("RedrivePolicy")
            if not (any(at(policy, "deadLetterTargetArn")) and any(at(policy, "maxReceiveCount"))):
                message = (
                    f"{queue} retries a bad message for ever; write 'RedrivePolicy: {{deadLetterTargetArn: "
                    "!GetAtt DeadLetters.Arn, maxReceiveCount: 5}'."
                )
                yield checked.finding_at(queue, message, "RedrivePolicy")


def dead_letters_are_kept_for_two_weeks(checked: CheckedPattern) -> Iterator[Finding]:
    """A dead-letter queue keeps messages for 14 days, the longest that SQS allows."""
    for queue in checked.dead_letter_queues:
        if not always(queue.properties.get("MessageRetentionPeriod"), _KEPT_SECONDS):
            message = f"{queue} deletes messages early; write 'MessageRetentionPeriod: {_KEPT_SECONDS}'."
            yield checked.finding_at(queue, message, "MessageRetentionPeriod")


def what_was_set_aside_can_be_replayed(checked: CheckedPattern) -> Iterator[Finding]:
    """The README names the command that replays failed events, and the folder has it."""
    if not checked.dead_letter_queues and not checked.mappings("stream"):
        return
    words = "\n".join(checked.readme)
    named = re.findall(r"[\w./-]*replay[\w-]*\.(?:py|sh)\b", words)
    if not named:
        message = "README.md names no command that replays failed events; write one, and how to call it."
        yield checked.finding_in("README.md", message)
    for name in sorted(set(named)):
        if not (checked.pattern.folder / name).is_file():
            line = next(number for number, line in enumerate(checked.readme, 1) if name in line)
            yield checked.finding_in(
                "README.md", f"{name} is not in the folder; write it, or name a file that is.", line
            )


def _has_destination(checked: CheckedPattern, function: Resource) -> bool:
    alias = checked.alias_of(function)
    qualifier = text(alias.properties.get("Name")) if alias else "$LATEST"
    return any(
        function in checked.named(config.properties.get("FunctionName"))
        and text(config.properties.get("Qualifier")) == qualifier
        and any(at(config.properties, "DestinationConfig", "OnFailure", "Destination"))
        for config in checked.of_type("AWS::Lambda::EventInvokeConfig")
    )


def _queue_statements(checked: CheckedPattern, queue: Resource) -> Iterator[dict[str, Any]]:
    for policy in checked.of_type("AWS::SQS::QueuePolicy"):
        if queue in checked.named(policy.properties.get("Queues")):
            yield from mappings(policy.properties, "PolicyDocument", "Statement")


def _lets_send(statement: dict[str, Any], rule: Resource) -> bool:
    return (
        statement.get("Effect") == "Allow"
        and "events.amazonaws.com" in at(statement, "Principal", "Service")
        and "sqs:SendMessage" in items(statement.get("Action"))
        and rule.logical_id in references(statement.get("Condition"))
    )
