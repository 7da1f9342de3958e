"""Watched: what can go wrong raises an alarm, and can be looked up afterwards."""

from collections.abc import Iterator

from blueprints.promises.subject import Breach, Resource, Subject
from blueprints.promises.values import always, at, mappings, references


def errors_raise_an_alarm(subject: Subject) -> Iterator[Breach]:
    """For every function that events reach, an alarm watches its errors."""
    yield from _unwatched_functions(subject, subject.reached, "Errors")


def throttles_raise_an_alarm(subject: Subject) -> Iterator[Breach]:
    """For every function that events reach, an alarm watches its throttles."""
    yield from _unwatched_functions(subject, subject.reached, "Throttles")


def lagging_streams_raise_an_alarm(subject: Subject) -> Iterator[Breach]:
    """For every function that reads a stream, an alarm watches the age of the records it has reached."""
    readers = [function for function in subject.reached if "stream" in subject.kinds_of(function)]
    yield from _unwatched_functions(subject, readers, "IteratorAge")


def undeliverable_failures_raise_an_alarm(subject: Subject) -> Iterator[Breach]:
    """For every on-failure destination of a function, an alarm watches events that could not be put there."""
    with_destination = [
        function
        for config in subject.of_type("AWS::Lambda::EventInvokeConfig")
        if any(at(config.properties, "DestinationConfig", "OnFailure"))
        for function in subject.named(config.properties.get("FunctionName"), "AWS::Lambda::Function")
    ]
    yield from _unwatched_functions(subject, with_destination, "DestinationDeliveryFailures")


def dead_letters_raise_an_alarm(subject: Subject) -> Iterator[Breach]:
    """For every queue of dead letters or failures, an alarm watches that it is empty."""
    for queue in subject.dead_letter_queues:
        if not _watches(subject, "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue):
            message = (
                f"Nothing watches {queue}; write an alarm on AWS/SQS ApproximateNumberOfMessagesVisible "
                f"with the dimension QueueName: !GetAtt {queue}.QueueName."
            )
            yield subject.breach_of(queue, message)


def undelivered_events_raise_an_alarm(subject: Subject) -> Iterator[Breach]:
    """For every EventBridge rule, an alarm watches the invocations that failed."""
    for rule in subject.of_type("AWS::Events::Rule"):
        if not _watches(subject, "AWS/Events", "FailedInvocations", "RuleName", rule):
            message = (
                f"Nothing watches rule {rule}; write an alarm on AWS/Events FailedInvocations with the "
                f"dimension RuleName: !Ref {rule}."
            )
            yield subject.breach_of(rule, message)


def failed_executions_raise_an_alarm(subject: Subject) -> Iterator[Breach]:
    """For every state machine, an alarm watches the executions that failed."""
    for machine in subject.of_type("AWS::StepFunctions::StateMachine"):
        if not _watches(subject, "AWS/States", "ExecutionsFailed", "StateMachineArn", machine):
            message = (
                f"Nothing watches {machine}; write an alarm on AWS/States ExecutionsFailed with the dimension "
                f"StateMachineArn: !Ref {machine}."
            )
            yield subject.breach_of(machine, message)


def alarms_reach_the_topic(subject: Subject) -> Iterator[Breach]:
    """Every alarm tells the optional topic AlarmTopicArn."""
    if subject.parameters.get("AlarmTopicArn", {}).get("Default") != "":
        message = "There is no parameter AlarmTopicArn with \"Default: ''\"; write it."
        yield subject.breach(message, "Parameters", "AlarmTopicArn")
    for alarm in subject.of_type("AWS::CloudWatch::Alarm"):
        if {"Ref": "AlarmTopicArn"} not in at(alarm.properties, "AlarmActions"):
            message = (
                f"{alarm} tells nobody; write 'AlarmActions: !If [HasAlarmTopic, [!Ref AlarmTopicArn], "
                "!Ref AWS::NoValue]'."
            )
            yield subject.breach_of(alarm, message, "AlarmActions")


def there_is_one_dashboard(subject: Subject) -> Iterator[Breach]:
    """One dashboard shows how the pattern is doing."""
    dashboards = subject.of_type("AWS::CloudWatch::Dashboard")
    if not dashboards:
        yield subject.breach("There is no dashboard; write one AWS::CloudWatch::Dashboard.", "Resources")
    for dashboard in dashboards[1:]:
        yield subject.breach_of(dashboard, f"{dashboard} is a second dashboard; put its widgets into the first.")


def logs_are_kept_for_a_while(subject: Subject) -> Iterator[Breach]:
    """Every function logs to a log group of its stack that has no name of its own and a retention."""
    for function in subject.functions:
        groups = subject.named(list(at(function.properties, "LoggingConfig", "LogGroup")), "AWS::Logs::LogGroup")
        if not groups:
            message = (
                f"{function} has a log group that outlives the stack; write 'LoggingConfig: {{LogGroup: !Ref …}}'."
            )
            yield subject.breach_of(function, message, "LoggingConfig", "LogGroup")
        for group in groups:
            if "RetentionInDays" not in group.properties:
                message = f"{group} keeps logs for ever; write 'RetentionInDays: !Ref LogRetentionDays'."
                yield subject.breach_of(group, message)


def logs_are_structured(subject: Subject) -> Iterator[Breach]:
    """Every function logs JSON, the runtime's own lines included."""
    for function in subject.functions:
        if not any(always(each, "JSON") for each in at(function.properties, "LoggingConfig", "LogFormat")):
            message = f"{function} logs plain text; write 'LoggingConfig: {{LogFormat: JSON}}'."
            yield subject.breach_of(function, message, "LoggingConfig", "LogFormat")


def work_is_traced(subject: Subject) -> Iterator[Breach]:
    """Every function and state machine is traced."""
    for function in subject.functions:
        if not any(always(each, "Active") for each in at(function.properties, "TracingConfig", "Mode")):
            message = f"{function} is not traced; write 'Tracing: Active' there or in Globals."
            yield subject.breach_of(function, message, "Tracing")
    for machine in subject.of_type("AWS::StepFunctions::StateMachine"):
        if not any(always(each, expected=True) for each in at(machine.properties, "TracingConfiguration", "Enabled")):
            message = f"{machine} is not traced; write 'Tracing: {{Enabled: true}}'."
            yield subject.breach_of(machine, message, "Tracing")


def _unwatched_functions(subject: Subject, functions: list[Resource], metric: str) -> Iterator[Breach]:
    for function in functions:
        if not _watches(subject, "AWS/Lambda", metric, "FunctionName", function):
            message = (
                f"Nothing watches the {metric} of {function}; write an alarm on AWS/Lambda {metric} with the "
                f"dimension FunctionName: !Ref {function}."
            )
            yield subject.breach_of(function, message)


def _watches(subject: Subject, namespace: str, metric: str, dimension: str, watched: Resource) -> bool:
    """Whether an alarm, or a metric within an alarm's mathematics, is about this."""
    for alarm in subject.of_type("AWS::CloudWatch::Alarm"):
        for each in (alarm.properties, *mappings(alarm.properties, "Metrics", "MetricStat", "Metric")):
            if each.get("Namespace") != namespace or each.get("MetricName") != metric:
                continue
            values = [one.get("Value") for one in mappings(each, "Dimensions") if one.get("Name") == dimension]
            if watched.logical_id in references(values):
                return True
    return False
