import json

import pytest

from blueprints.states_language.definition import InvalidDefinition, faults, parse

END = {"Type": "Pass", "End": True}
LAMBDA = "arn:aws:lambda:eu-west-1:123456789012:function:sort"


def machine(**states):
    return {"StartAt": next(iter(states)), "States": states}


def errors(definition, **options):
    return [str(fault) for fault in faults(json.dumps(definition), **options) if fault.severity == "ERROR"]


def schema(message, location):
    return f"SCHEMA_VALIDATION_FAILED: {message} at {location}"


def test_a_definition_is_read_into_states():
    definition = parse(
        json.dumps(
            {
                "Comment": "sorts",
                "StartAt": "Sort",
                "TimeoutSeconds": 60,
                "States": {
                    "Sort": {
                        "Type": "Task",
                        "Resource": LAMBDA,
                        "Next": "Each",
                        "Retry": [
                            {"ErrorEquals": ["Busy"], "MaxAttempts": 5, "MaxDelaySeconds": 9, "JitterStrategy": "FULL"},
                            {"ErrorEquals": ["States.ALL"]},
                        ],
                        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Each", "ResultPath": "$.error"}],
                    },
                    "Each": {
                        "Type": "Map",
                        "QueryLanguage": "JSONata",
                        "ItemProcessor": {"StartAt": "One", "States": {"One": END}},
                        "End": True,
                    },
                },
            }
        )
    )
    sort, each = definition.block.states.values()
    assert (definition.comment, definition.timeout_seconds, definition.query_language) == ("sorts", 60, "JSONPath")
    assert (definition.block.start_at, sort.next, each.next) == ("Sort", "Each", None)
    first, second = sort.retriers
    assert (first.errors, first.max_attempts, first.max_delay_seconds, first.full_jitter) == (("Busy",), 5, 9, True)
    assert (second.interval_seconds, second.backoff_rate, second.max_attempts) == (1, 2.0, 3)
    assert (sort.catchers[0].next, sort.catchers[0].fields["ResultPath"]) == ("Each", "$.error")
    assert each.query_language == "JSONata"
    assert each.blocks[0].states["One"].query_language == "JSONPath"


def test_the_refusal_lists_every_error():
    with pytest.raises(InvalidDefinition) as caught:
        parse(json.dumps(machine(First={"Type": "Pass", "Next": "Third"}, Second=END)))
    assert str(caught.value) == (
        "'MISSING_TRANSITION_TARGET: Missing 'Next' target: Third at /States/First/Next, "
        'MISSING_TRANSITION_TARGET: State "Second" is not reachable. at /States/Second\''
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "SCHEMA_VALIDATION_FAILED"), ("{", "INVALID_JSON_DESCRIPTION"), ("[]", "SCHEMA_VALIDATION_FAILED")],
)
def test_a_text_that_is_no_object_is_refused(text, code):
    assert [fault.code for fault in faults(text)] == [code]


CHOICE = {"Variable": "$.n", "NumericEquals": 1, "Next": "B"}


def choice(rule, **more):
    return machine(A={"Type": "Choice", "Choices": [rule], "Default": "B", **more}, B=END)


def task(**more):
    return machine(A={"Type": "Task", "Resource": LAMBDA, "End": True, **more})


def one(kind, **more):
    return machine(A={"Type": kind, **more})


def each(processor=None, **more):
    inner = {"StartAt": "I", "States": {"I": END}, **(processor or {})}
    return machine(A={"Type": "Map", "ItemProcessor": inner, "End": True, **more})


DISTRIBUTED = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
RULE = "/States/A/Choices[0]"


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ({"States": {"A": END}}, schema("These fields are required: [StartAt]", "/")),
        ({**machine(A=END), "Author": "x"}, schema("Field 'Author' is not supported", "/")),
        ({**machine(A=END), "TimeoutSeconds": 0}, schema("Minimum value is 1", "/TimeoutSeconds")),
        (machine(A={"End": True}), schema("These fields are required: [Type]", "/States/A")),
        (one("Tusk", End=True), "Type"),
        (one("Pass"), schema("These fields are required: [Next] or [End]", "/States/A")),
        (one("Pass", Next="A", End=True), "There should only be one of the following fields: [Next, End]"),
        (one("Pass", End=True, TimeoutSeconds=3), schema("Field 'TimeoutSeconds' is not supported", "/States/A")),
        (one("Pass", End=True, Catch=[]), schema("Field 'Catch' is not supported", "/States/A")),
        (one("Wait", End=True), "One of these fields is required: [Seconds, SecondsPath, Timestamp, TimestampPath]"),
        (one("Wait", End=True, Seconds=1, SecondsPath="$.a"), "There should only be one of the following fields"),
        (one("Wait", End=True, Seconds=10**12), schema("Maximum value is 99999999", "/States/A/Seconds")),
        (one("Wait", End=True, Seconds="1"), schema("Expected value of type Integer", "/States/A/Seconds")),
        (one("Wait", End=True, Timestamp="tomorrow"), "/States/A/Timestamp"),
        (one("Task", End=True), schema("These fields are required: [Resource]", "/States/A")),
        (task(Resource="sort"), schema("Value is not a valid resource ARN", "/States/A/Resource")),
        (task(Resource="arn:aws:states:::fridge:open"), "is not recognized"),
        (task(InputPath="a"), schema("Value must be a valid JSONPath.", "/States/A/InputPath")),
        (task(OutputPath="$.a["), schema("Value must be a valid JSONPath.", "/States/A/OutputPath")),
        (task(ResultPath="$.a[*]"), schema("Value is not a Reference Path", "/States/A/ResultPath")),
        (task(ResultPath="$$.a"), schema("Value is not a Reference Path", "/States/A/ResultPath")),
        (
            task(ResultPath="a"),
            schema("Value is not a Reference Path: Reference path didn't start with '$'", "/States/A/ResultPath"),
        ),
        (
            task(Parameters={"b": [{"c.$": "$.d["}]}),
            schema(
                "The value for the field 'c.$' must be a valid JSONPath or a valid intrinsic function call",
                "/States/A/Parameters/b[0]",
            ),
        ),
        (task(Parameters={"c.$": "States.Shout($.a)"}), "valid intrinsic function call"),
        (task(Parameters={"c.$": "States.UUID(1)"}), "valid intrinsic function call"),
        (task(Parameters={"c.$": 7}), "valid intrinsic function call"),
        (task(Parameters={"d": {"c": 1, "c.$": "$.c"}}), "/States/A/Parameters/d"),
        (task(Assign={"states": 1}), schema("The variable name 'states' is reserved", "/States/A/Assign")),
        (task(Assign={"1a": 1}), schema("The variable name '1a' is not valid", "/States/A/Assign")),
        (task(TimeoutSeconds=5, HeartbeatSeconds=5), "HeartbeatSeconds must be smaller than TimeoutSeconds"),
        (task(Credentials={}), "These fields are required: [RoleArn]"),
        (task(Credentials={"RoleArn": 5}), "Expected value of type String"),
        (task(Credentials="role"), "Expected value of type Object"),
        (task(TimeoutSeconds=5, TimeoutSecondsPath="$.t"), "[TimeoutSeconds, TimeoutSecondsPath]"),
        (task(Retry=[{"ErrorEquals": []}]), "/States/A/Retry[0]/ErrorEquals"),
        (task(Retry=[{"MaxAttempts": 1}]), schema("These fields are required: [ErrorEquals]", "/States/A/Retry[0]")),
        (
            task(Retry=[{"ErrorEquals": ["X"], "BackoffRate": 0.5}]),
            schema("Minimum value is 1.0", "/States/A/Retry[0]/BackoffRate"),
        ),
        (
            task(Retry=[{"ErrorEquals": ["X"], "IntervalSeconds": 5, "MaxDelaySeconds": 5}]),
            "MaxDelaySeconds must be greater",
        ),
        (task(Retry=[{"ErrorEquals": ["X"], "JitterStrategy": "SOME"}]), "/States/A/Retry[0]/JitterStrategy"),
        (
            task(Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["X"]}]),
            schema("States.ALL must appear alone and at end of list", "/States/A/Retry[0]/ErrorEquals[0]"),
        ),
        (
            task(Catch=[{"ErrorEquals": ["X", "States.ALL"], "Next": "A"}]),
            schema("States.ALL must appear alone and at end of list", "/States/A/Catch[0]/ErrorEquals[1]"),
        ),
        (task(Catch=[{"ErrorEquals": ["X"]}]), schema("These fields are required: [Next]", "/States/A/Catch[0]")),
        (
            task(Catch=[{"ErrorEquals": ["X"], "Next": "B"}]),
            "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Catch[0]/Next",
        ),
        (choice({**CHOICE, "Next": "C"}), f"MISSING_TRANSITION_TARGET: Missing 'Next' target: C at {RULE}/Next"),
        (choice(CHOICE, Default="C"), "MISSING_TRANSITION_TARGET: Missing 'Next' target: C at /States/A/Default"),
        (choice(CHOICE, Next="B"), schema("Field 'Next' is not supported", "/States/A")),
        (choice({"Variable": "$.n", "NumericEquals": 1}), schema("These fields are required: [Next]", RULE)),
        (choice({"NumericEquals": 1, "Next": "B"}), schema("These fields are required: [Variable]", RULE)),
        (choice({"Variable": "$.n", "Next": "B"}), "Exactly one comparison operator is required"),
        (choice({**CHOICE, "StringEquals": "a"}), "Exactly one comparison operator is required"),
        (choice({**CHOICE, "NumericEquals": "1"}), schema("Expected value of type Number", f"{RULE}/NumericEquals")),
        (
            choice({**CHOICE, "Variable": "n"}),
            schema("Value is not a Reference Path: Reference path didn't start with '$'", f"{RULE}/Variable"),
        ),
        (choice({"Next": "B", "And": []}), f"{RULE}/And"),
        (choice({"Next": "B", "Not": CHOICE}), schema("Field 'Next' is not supported", f"{RULE}/Not")),
        (choice({"Next": "B", "Or": [{"Variable": "$", "IsNull": 1}]}), f"{RULE}/Or[0]/IsNull"),
        (choice({"Variable": "$.t", "TimestampEquals": "now", "Next": "B"}), f"{RULE}/TimestampEquals"),
        (choice({"Condition": "{% true %}", "Next": "B"}), "Exactly one comparison operator"),
        (one("Choice"), schema("These fields are required: [Choices]", "/States/A")),
        (one("Choice", Choices=[]), "/States/A/Choices"),
        (one("Parallel", End=True, Branches=[]), "/States/A/Branches"),
        (one("Map", End=True), "One of these fields is required: [ItemProcessor, Iterator]"),
        (each(Iterator={"StartAt": "J", "States": {"J": END}}), "[ItemProcessor, Iterator]"),
        (each(Items=[1]), "field 'Items' is only supported for the 'JSONata' QueryLanguage"),
        (each(MaxConcurrency=-1), schema("Minimum value is 0", "/States/A/MaxConcurrency")),
        (each(MaxConcurrency=1, MaxConcurrencyPath="$.m"), "[MaxConcurrency, MaxConcurrencyPath]"),
        (each(MaxConcurrencyPath="$$.m"), schema("Value is not a Reference Path", "/States/A/MaxConcurrencyPath")),
        (
            each(ToleratedFailurePercentage=101),
            schema("Maximum value is 100.0", "/States/A/ToleratedFailurePercentage"),
        ),
        (each(ItemBatcher={"MaxItemsPerBatch": 2}), schema("Field 'ItemBatcher' is not supported", "/States/A")),
        (each({"ProcessorConfig": {"Mode": "DISTRIBUTED"}}), "These fields are required: [ExecutionType]"),
        (each({"ProcessorConfig": {"Mode": "SPREAD"}}), "/States/A/ItemProcessor/ProcessorConfig/Mode"),
        (
            each({"QueryLanguage": "JSONata"}),
            schema("Field 'QueryLanguage' is not supported", "/States/A/ItemProcessor"),
        ),
        (
            each(DISTRIBUTED, ItemReader={"Resource": "arn:aws:states:::s3:putObject"}),
            "The resource provided arn:aws:states:::s3:putObject is not recognized",
        ),
        (
            each(DISTRIBUTED, ResultWriter={"Resource": "arn:aws:states:::sqs:sendMessage"}),
            "The resource provided arn:aws:states:::sqs:sendMessage is not recognized",
        ),
        (each(DISTRIBUTED, ResultWriter={"Resource": "s3"}), "Value is not a valid resource ARN"),
        (
            each(
                DISTRIBUTED,
                ItemReader={
                    "Resource": "arn:aws:states:::s3:getObject",
                    "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "GIVEN"},
                },
            ),
            schema("These fields are required: [CSVHeaders]", "/States/A/ItemReader/ReaderConfig"),
        ),
        (each(DISTRIBUTED, ItemBatcher={"BatchInput": {}}), "One of these fields is required: [MaxItemsPerBatch, "),
        (each(DISTRIBUTED, Label="a b"), "INVALID_LABEL_NAME: Invalid Label name: a b at /States/A/Label"),
        (
            each(
                DISTRIBUTED,
                ItemReader={"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "XML"}},
            ),
            "/States/A/ItemReader/ReaderConfig/InputType",
        ),
        (
            each({"States": {"A": END}, "StartAt": "A"}),
            "DUPLICATE_STATE_NAME: Duplicate State name: A at /States/A/ItemProcessor/States/A",
        ),
        (machine(**{"N" * 81: END}), "INVALID_STATE_NAME"),
        (
            machine(A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "Next": "A"}, C={"Type": "Pass", "Next": "A"}),
            "MISSING_END_STATE: Workflow has no terminal state at null",
        ),
        (machine(A=END, B=END), 'MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B'),
        (one("Fail", Error="E", ErrorPath="$.e"), "[Error, ErrorPath]"),
        (one("Fail", Next="A"), schema("Field 'Next' is not supported", "/States/A")),
        (one("Fail", CausePath="oops"), "/States/A/CausePath"),
    ],
)
def test_jsonpath_definitions_that_are_refused(definition, expected):
    found = errors(definition)
    assert len(found) == 1
    assert expected in found[0]


def test_a_machine_and_each_branch_have_their_own_targets():
    unreachable = 'MISSING_TRANSITION_TARGET: State "{}" is not reachable. at {}'
    assert errors({**machine(A=END), "StartAt": "B"}) == [
        "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /StartAt",
        unreachable.format("A", "/States/A"),
    ]
    branch = {"StartAt": "B", "States": {"B": {"Type": "Pass", "Next": "A"}, "C": END}}
    assert errors(one("Parallel", End=True, Branches=[branch])) == [
        "MISSING_TRANSITION_TARGET: Missing 'Next' target: A at /States/A/Branches[0]/States/B/Next",
        unreachable.format("C", "/States/A/Branches[0]/States/C"),
    ]


def test_expressions_alone_are_allowed_to_stand_for_numbers():
    definition = {"QueryLanguage": "JSONata", **each(MaxConcurrency="{% 1 + 1 %}")}
    assert errors(definition) == []
    definition["States"]["A"]["MaxConcurrency"] = "two"
    assert errors(definition) == [schema("Expected value of type Integer", "/States/A/MaxConcurrency")]


def output(expression, **more):
    return {"QueryLanguage": "JSONata", **one("Pass", End=True, Output={"v": [f"{{% {expression} %}}"]}, **more)}


AT_TOP = "UNSUPPORTED_JSONATA_EXPRESSION: Reference to '{}' at the top level is not supported. at /States/A/Output/v[0]"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 +", "INVALID_JSONATA_EXPRESSION: Unexpected end of expression at /States/A/Output/v[0]"),
        ("$x[1,2)", 'INVALID_JSONATA_EXPRESSION: Expected "]", got "," at /States/A/Output/v[0]'),
        ("$x ?: 1", 'INVALID_JSONATA_EXPRESSION: The symbol ":" cannot be used as a unary operator at'),
        ("1 %", "INVALID_JSONATA_EXPRESSION: Unexpected end of expression"),
        ("phone", AT_TOP.format("phone")),
        ("$sum(lines.price)", AT_TOP.format("lines")),
        ("$map($x, function($v) { $v & name })", AT_TOP.format("name")),
        ("$", AT_TOP.format("$")),
        ("$$.a", AT_TOP.format("$$")),
        ("*", AT_TOP.format("*")),
        ("($states := 1; 2)", "The reserved variable '$states' can not be assigned."),
        ("$states.errorOutput.Cause", "Reference to '$states.errorOutput' is not supported in this field."),
    ],
)
def test_jsonata_that_is_refused(expression, expected):
    found = errors(output(expression))
    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize(
    "expression",
    [
        "$states.input.lines.(price * count)",
        "$states.input.lines[price > 3]^(price).{'p': price, 'all': $}",
        "$states.input.lines{name: $sum(price)}",
        "$states.input ~> |lines|{'seen': price}|",
        "($f := function($a) { $a.b }; $f($states.context.State))",
        "$states.context.Execution.Id",
    ],
)
def test_paths_below_a_variable_are_allowed(expression):
    assert errors(output(expression)) == []


@pytest.mark.parametrize("text", ["{% 1 %", "1 %}", " {% 1 %}", "{% 1 %} "])
def test_an_expression_has_both_ends(text):
    found = errors({"QueryLanguage": "JSONata", **one("Pass", End=True, Output=[text])})
    assert len(found) == 1
    assert found[0].startswith("INVALID_JSONATA_EXPRESSION: A JSONata expression must start with '{%'")


def test_text_with_blanks_around_the_delimiters_is_a_constant():
    assert errors({"QueryLanguage": "JSONata", **one("Pass", End=True, Output=[" {% 1 %} "])}) == []


def test_the_error_output_is_allowed_in_a_catcher_alone():
    caught = [{"ErrorEquals": ["States.ALL"], "Next": "B", "Output": "{% $states.errorOutput.Cause %}"}]
    states = {"A": {"Type": "Task", "Resource": LAMBDA, "Next": "B", "Catch": caught}, "B": END}
    assert errors({"QueryLanguage": "JSONata", **machine(**states)}) == []
    states["A"]["Output"] = "{% $states.errorOutput %}"
    assert len(errors({"QueryLanguage": "JSONata", **machine(**states)})) == 1


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (
            one("Pass", End=True, Output=1),
            "The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata'",
        ),
        (
            {"QueryLanguage": "JSONata", **one("Pass", End=True, InputPath="$")},
            "The QueryLanguage is set to 'JSONata', but field 'InputPath' is only supported for the 'JSONPath'",
        ),
        (
            {"QueryLanguage": "JSONata", **one("Pass", End=True, QueryLanguage="JSONPath")},
            "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine",
        ),
        (
            each({"States": {"I": {**END, "Output": 1}}}, QueryLanguage="JSONata"),
            "field 'Output' is only supported for the 'JSONata' QueryLanguage at /States/A/ItemProcessor/States/I",
        ),
    ],
)
def test_fields_belong_to_a_query_language(definition, expected):
    found = errors(definition)
    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize(
    ("resource", "refused"),
    [
        ("arn:aws:states:::sqs:sendMessage", False),
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", True),
        ("arn:aws:states:::glue:startJobRun.sync", True),
        ("arn:aws:states:::states:startExecution.sync:2", True),
        ("arn:aws:states:eu-west-1:123456789012:activity:sort", True),
    ],
)
def test_express_machines_cannot_wait_for_others(resource, refused):
    assert bool(errors(task(Resource=resource), express=True)) is refused
    assert errors(task(Resource=resource)) == []
    nested = {**DISTRIBUTED, "States": {"I": {"Type": "Task", "Resource": resource, "End": True}}}
    nested["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
    assert bool(errors(each(nested))) is refused


def test_express_machines_have_no_distributed_maps():
    assert "DISTRIBUTED" in errors(each(DISTRIBUTED), express=True)[0]


@pytest.mark.parametrize(
    ("definition", "code", "location"),
    [
        (task(Parameters={"a": {"b": "$.c"}}), "NO_DOLLAR", "/States/A/Parameters/a/b"),
        (one("Pass", End=True, Result={"a.$": "$.b"}), "PASS_RESULT_IS_STATIC", "/States/A/Result"),
        (choice({"Variable": "$.a", "StringEquals": "$.b", "Next": "B"}), "NO_PATH", f"{RULE}/StringEquals"),
    ],
)
def test_warnings_do_not_keep_a_definition_from_being_created(definition, code, location):
    (fault,) = faults(json.dumps(definition))
    assert (fault.severity, fault.code, fault.location) == ("WARNING", code, location)
    parse(json.dumps(definition))


def test_a_long_definition_is_refused():
    assert faults(" " * 2**20 + json.dumps(machine(A=END)))[0].severity == "ERROR"


def test_a_state_that_is_written_twice_is_refused():
    text = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}, "A": {"Type": "Succeed"}}}'
    assert [str(fault) for fault in faults(text)] == ["DUPLICATE_STATE_NAME: Duplicate State name: A at /States/A"]


def test_what_json_has_no_word_for_is_refused():
    assert faults('{"StartAt": NaN}')[0].code == "INVALID_JSON_DESCRIPTION"
