"""Watched: failures raise an alarm, and logs and traces show them afterwards."""

from collections.abc import Iterator

from blueprints.findings import Finding
from blueprints.promises.checked_pattern import CheckedPattern, Resource
from blueprints.promises.values import always, at, mappings, references


def errors_raise_an_alarm(checked: CheckedPattern) -> Iterator[Finding]:
    """For every function that events reach, an alarm watches its errors."""
    yield from _unwatched_functions(checked, checked.reached, "Errors")


def throttles_raise_an_alarm(checked: CheckedPattern) -> Iterator[Finding]:
    """For every function that events reach, an alarm watches its throttles."""
    yield from _unwatched_functions(checked, checked.reached, "Throttles")


def lagging_streams_raise_an_alarm(checked: CheckedPattern) -> Iterator[Finding]:
    """For every function that reads a stream, an alarm watches the age of the records that it reads."""
    readers = [function for function in checked.reached if "stream" in checked.kinds_of(function)]
    yield from _unwatched_functions(checked, readers, "IteratorAge")


def undeliverable_failures_raise_an_alarm(checked: CheckedPattern) -> Iterator[Finding]:
    """For every on-failure destination of a function, an alarm watches events that could not be sent there."""
    with_destination = [
        function
        for config in checked.of_type("AWS::Lambda::EventInvokeConfig")
        if any(at(config.properties, "DestinationConfig", "OnFailure"))
        for function in checked.named(config.properties.get("FunctionName"), "AWS::Lambda::Function")
    ]
    yield from _unwatched_functions(checked, with_destination, "DestinationDeliveryFailures")


def dead_letters_raise_an_alarm(checked: CheckedPattern) -> Iterator[Finding]:
    """For every queue of dead letters or failures, an alarm reports messages in it."""
    for queue in checked.dead_letter_queues:
        if not _watches(checked, "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue):
            message = (
                f"Nothing watches {queue}; write an alarm on AWS/SQS ApproximateNumberOfMessagesVisible "
                f"with the dimension QueueName: !GetAtt {queue}.QueueName."
            )
            yield checked.finding_at(queue, message)


def undelivered_events_raise_an_alarm(checked: CheckedPattern) -> Iterator[Finding]:
    """For every EventBridge rule, an alarm watches the invocations that failed."""
    for rule in checked.of_type("AWS::Events::Rule"):
        if not _watches(checked, "AWS/Events", "FailedInvocations", "RuleName", rule):
            message = (
                f"Nothing watches rule {rule}; write an alarm on AWS/Events FailedInvocations with the "
                f"dimension RuleName: !Ref {rule}."
            )
            yield checked.finding_at(rule, message)


def failed_executions_raise_an_alarm(checked: CheckedPattern) -> Iterator[Finding]:
    """For every state machine, an alarm watches the executions that failed."""
    for machine in checked.of_type("AWS::StepFunctions::StateMachine"):
        if not _watches(checked, "AWS/States", "ExecutionsFailed", "StateMachineArn", machine):
            message = (
                f"Nothing watches {machine}; write an alarm on AWS/States ExecutionsFailed with the dimension "
                f"StateMachineArn: !Ref {machine}."
            )
            yield checked.finding_at(machine, message)


def unfinished_executions_raise_an_alarm(checked: CheckedPattern) -> Iterator[Finding]:
    """For every state machine, an alarm watches the executions that time out, are stopped or are throttled."""
    for machine in checked.of_type("AWS::StepFunctions::StateMachine"):
        metrics = ("ExecutionsTimedOut", "ExecutionsAborted", "ExecutionThrottled")
        missing = [each for each in metrics if not _watches(checked, "AWS/States", each, "StateMachineArn", machine)]
        if missing:
            message = (
                f"Nothing watches {machine} for {', '.join(missing)}; write alarms on these metrics of AWS/States, or "
                f"one alarm on their sum, with the dimension StateMachineArn: !Ref {machine}."
            )
            yield checked.finding_at(machine, message)


def alarms_reach_the_topic(checked: CheckedPattern) -> Iterator[Finding]:
    """Every alarm notifies the optional topic AlarmTopicArn."""
    if checked.parameters.get("AlarmTopicArn", {}).get("Default") != "":
        message = "There is no parameter AlarmTopicArn with \"Default: ''\"; write it."
        yield checked.finding(message, "Parameters", "AlarmTopicArn")
    for alarm in checked.of_type("AWS::CloudWatch::Alarm"):
        if {"Ref": "AlarmTopicArn"} not in at(alarm.properties, "AlarmActions"):
            message = (
                f"{alarm} notifies nobody; write 'AlarmActions: !If [HasAlarmTopic, [!Ref AlarmTopicArn], "
                "!Ref AWS::NoValue]'."
            )
            yield checked.finding_at(alarm, message, "AlarmActions")


def there_is_one_dashboard(checked: CheckedPattern) -> Iterator[Finding]:
    """One dashboard shows the health of the pattern."""
    dashboards = checked.of_type("AWS::CloudWatch::Dashboard")
    if not dashboards:
        yield checked.finding("There is no dashboard; write one AWS::CloudWatch::Dashboard.", "Resources")
    for dashboard in dashboards[1:]:
        yield checked.finding_at(dashboard, f"{dashboard} is a second dashboard; put its widgets into the first.")


def logs_are_kept_for_a_while(checked: CheckedPattern) -> Iterator[Finding]:
    """Every function logs to a log group of the stack, which has a retention and no fixed name."""
    for function in checked.functions:
        groups = checked.named(list(at(function.properties, "LoggingConfig", "LogGroup")), "AWS::Logs::LogGroup")
        if not groups:
            message = (
                f"{function} has a log group that outlives the stack; write 'LoggingConfig: {{LogGroup: !Ref …}}'."
            )
            yield checked.finding_at(function, message, "LoggingConfig", "LogGroup")
        for group in groups:
            if "RetentionInDays" not in group.properties:
                message = f"{group} keeps logs for ever; write 'RetentionInDays: !Ref LogRetentionDays'."
                yield checked.finding_at(group, message)


def logs_are_structured(checked: CheckedPattern) -> Iterator[Finding]:
    """Every function logs JSON, including the runtime's own lines."""
    for function in checked.functions:
        if not any(always(each, "JSON") for each in at(function.properties, "LoggingConfig", "LogFormat")):
            message = f"{function} logs plain text; write 'LoggingConfig: {{LogFormat: JSON}}'."
            yield checked.finding_at(function, message, "LoggingConfig", "LogFormat")


def work_is_traced(checked: CheckedPattern) -> Iterator[Finding]:
    """Every function and state machine is traced."""
    for function in checked.functions:
        if not any(always(each, "Active") for each in at(function.properties, "TracingConfig", "Mode")):
            message = f"{function} is not traced; write 'Tracing: Active' there or in Globals."
            yield checked.finding_at(function, message, "Tracing")
    for machine in checked.of_type("AWS::StepFunctions::StateMachine"):
        if not any(always(each, expected=True) for each in at(machine.properties, "TracingConfiguration", "Enabled")):
            message = f"{machine} is not traced; write 'Tracing: {{Enabled: true}}'."
            yield checked.finding_at(machine, message, "Tracing")


def _unwatched_functions(checked: CheckedPattern, functions: list[Resource], metric: str) -> Iterator[Finding]:
    for function in functions:
        if not _watches(checked, "AWS/Lambda", metric, "FunctionName", function):
            message = (
                f"Nothing watches the {metric} of {function}; write an alarm on AWS/Lambda {metric} with the "
                f"dimension FunctionName: !Ref {function}."
            )
            yield checked.finding_at(function, message)


def _watches(checked: CheckedPattern, namespace: str, metric: str, dimension: str, watched: Resource) -> bool:
    """Whether an alarm, or a metric within an alarm's mathematics, is about this."""
    for alarm in checked.of_type("AWS::CloudWatch::Alarm"):
        for each in (alarm.properties, *mappings(alarm.properties, "Metrics", "MetricStat", "Metric")):
            if each.get("Namespace") != namespace or each.get("MetricName") != metric:
                continue
            values = [one.get("Value") for one in mappings(each, "Dimensions") if one.get("Name") == dimension]
            if watched.logical_id in references(values):
                return True
    return False
