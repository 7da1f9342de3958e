"""Loses nothing: what cannot be handled is set aside whole, blocks nothing, and can be handed in again."""

import re
from collections.abc import Iterator
from typing import Any

from blueprints.promises.subject import Breach, Resource, Subject
from blueprints.promises.values import alternatives, always, at, items, mappings, references, text

_KEPT_SECONDS = 14 * 24 * 3600
_FOR_EVER = "-1"


def asynchronous_failures_are_set_aside(subject: Subject) -> Iterator[Breach]:
    """Asynchronous events that a function fails on go to an on-failure destination, set on the alias they reach."""
    for function in subject.reached:
        if "asynchronous" in subject.kinds_of(function) and not _has_destination(subject, function):
            message = (
                f"{function} loses events that fail; write 'EventInvokeConfig: {{DestinationConfig: {{OnFailure: "
                "{Type: SQS, Destination: !GetAtt ….Arn}}}' beside AutoPublishAlias."
            )
            yield subject.breach_of(function, message, "EventInvokeConfig")


def undelivered_events_are_set_aside(subject: Subject) -> Iterator[Breach]:
    """Every target of an EventBridge rule has a retry policy and dead letters."""
    for rule in subject.of_type("AWS::Events::Rule"):
        for target in mappings(rule.properties, "Targets"):
            for name, example in (
                ("RetryPolicy", "{MaximumRetryAttempts: 185, MaximumEventAgeInSeconds: 86400}"),
                ("DeadLetterConfig", "{Arn: !GetAtt DeadLetters.Arn}"),
            ):
                if not any(alternatives(target.get(name))):
                    message = f"A target of {rule} has no {name}; write '{name}: {example}'."
                    yield subject.breach_of(rule, message)


def rules_may_send_to_their_dead_letters(subject: Subject) -> Iterator[Breach]:
    """The queue of a rule's dead letters lets EventBridge send from that rule; SAM writes no such policy."""
    for rule in subject.of_type("AWS::Events::Rule"):
        settings = list(at(rule.properties, "Targets", "DeadLetterConfig", "Arn"))
        for queue in subject.named(settings, "AWS::SQS::Queue"):
            if not any(_lets_send(each, rule) for each in _queue_statements(subject, queue)):
                message = (
                    f"{queue} does not let {rule} send, so its dead letters would be lost; write an "
                    "AWS::SQS::QueuePolicy that allows events.amazonaws.com sqs:SendMessage with the condition "
                    f"'ArnEquals: {{aws:SourceArn: !GetAtt {rule}.Arn}}'."
                )
                yield subject.breach_of(queue, message)


def streams_set_aside_whole_records(subject: Subject) -> Iterator[Breach]:
    """A stream's failed batches go to a bucket: only there Lambda puts the records themselves."""
    for mapping in subject.mappings("stream"):
        written = list(at(mapping.properties, "DestinationConfig", "OnFailure", "Destination"))
        bucket = subject.named(written, "AWS::S3::Bucket") or [each for each in written if ":s3:::" in text(each)]
        if not bucket:
            message = (
                f"{mapping} does not keep failed records; write 'DestinationConfig: {{OnFailure: {{Type: S3, "
                "Destination: !GetAtt ….Arn}}'."
            )
            yield subject.breach_of(mapping, message, "DestinationConfig")


def failed_batches_are_reported_in_part(subject: Subject) -> Iterator[Breach]:
    """A function that takes batches from a stream or queue reports which items failed, so that the others are done."""
    for mapping in subject.mappings("stream", "queue"):
        if "ReportBatchItemFailures" not in items(mapping.properties.get("FunctionResponseTypes")):
            message = f"{mapping} retries whole batches; write 'FunctionResponseTypes: [ReportBatchItemFailures]'."
            yield subject.breach_of(mapping, message, "FunctionResponseTypes")


def failed_stream_batches_are_bisected(subject: Subject) -> Iterator[Breach]:
    """A stream's failed batch is cut in two, so that one bad record stands alone in the end."""
    for mapping in subject.mappings("stream"):
        if not always(mapping.properties.get("BisectBatchOnFunctionError"), expected=True):
            message = f"{mapping} gives up whole batches; write 'BisectBatchOnFunctionError: true'."
            yield subject.breach_of(mapping, message, "BisectBatchOnFunctionError")


def streams_are_not_blocked_for_ever(subject: Subject) -> Iterator[Breach]:
    """A stream's failed batch is given up after a number of attempts, or at an age."""
    for mapping in subject.mappings("stream"):
        bounds = [mapping.properties.get(name) for name in ("MaximumRetryAttempts", "MaximumRecordAgeInSeconds")]
        if not any(bound is not None and _FOR_EVER not in map(text, alternatives(bound)) for bound in bounds):
            message = f"A bad record blocks {mapping} until it expires; write 'MaximumRetryAttempts: 5'."
            yield subject.breach_of(mapping, message, "MaximumRetryAttempts")


def queues_have_redrive(subject: Subject) -> Iterator[Breach]:
    """A queue that a function reads puts a message aside after a number of attempts."""
    for mapping in subject.mappings("queue"):
        for queue in subject.named(mapping.properties.get("EventSourceArn"), "AWS::SQS::Queue"):
            policy = queue.properties.get("RedrivePolicy")
            if not (any(at(policy, "deadLetterTargetArn")) and any(at(policy, "maxReceiveCount"))):
                message = (
                    f"{queue} tries a bad message for ever; write 'RedrivePolicy: {{deadLetterTargetArn: "
                    "!GetAtt DeadLetters.Arn, maxReceiveCount: 5}'."
                )
                yield subject.breach_of(queue, message, "RedrivePolicy")


def dead_letters_are_kept_for_two_weeks(subject: Subject) -> Iterator[Breach]:
    """A queue of dead letters keeps them for 14 days, the longest that SQS can."""
    for queue in subject.dead_letter_queues:
        if not always(queue.properties.get("MessageRetentionPeriod"), _KEPT_SECONDS):
            message = f"{queue} drops what nobody looked at; write 'MessageRetentionPeriod: {_KEPT_SECONDS}'."
            yield subject.breach_of(queue, message, "MessageRetentionPeriod")


def what_was_set_aside_can_be_replayed(subject: Subject) -> Iterator[Breach]:
    """The README names the command that hands in again what was set aside, and the folder has it."""
    if not subject.dead_letter_queues and not subject.mappings("stream"):
        return
    words = "\n".join(subject.readme)
    named = re.findall(r"[\w./-]*replay[\w-]*\.(?:py|sh)\b", words)
    if not named:
        message = "README.md names no command that replays what was set aside; write one and say how it is called."
        yield subject.breach_in("README.md", message)
    for name in sorted(set(named)):
        if not (subject.pattern.folder / name).is_file():
            line = next(number for number, line in enumerate(subject.readme, 1) if name in line)
            yield subject.breach_in("README.md", f"{name} is not in the folder; write it, or name what is.", line)


def _has_destination(subject: Subject, function: Resource) -> bool:
    alias = subject.alias_of(function)
    qualifier = text(alias.properties.get("Name")) if alias else "$LATEST"
    return any(
        function in subject.named(config.properties.get("FunctionName"))
        and text(config.properties.get("Qualifier")) == qualifier
        and any(at(config.properties, "DestinationConfig", "OnFailure", "Destination"))
        for config in subject.of_type("AWS::Lambda::EventInvokeConfig")
    )


def _queue_statements(subject: Subject, queue: Resource) -> Iterator[dict[str, Any]]:
    for policy in subject.of_type("AWS::SQS::QueuePolicy"):
        if queue in subject.named(policy.properties.get("Queues")):
            yield from mappings(policy.properties, "PolicyDocument", "Statement")


def _lets_send(statement: dict[str, Any], rule: Resource) -> bool:
    return (
        statement.get("Effect") == "Allow"
        and "events.amazonaws.com" in at(statement, "Principal", "Service")
        and "sqs:SendMessage" in items(statement.get("Action"))
        and rule.logical_id in references(statement.get("Condition"))
    )
