"""Which fields there are: of each type of state, of the objects inside states, and what a value of each has to be."""

from dataclasses import dataclass

from blueprints.states_language.choice_rules import OPERATORS
from blueprints.states_language.query_languages import JSON_PATH, JSONATA

LONGEST_WAIT = 99_999_999
LONGEST_DELAY = 31_622_399


@dataclass(frozen=True)
class Field:
    """A field: `kind` names the check of its value in `field_values`.

    `language` is the query language that it belongs to, None where it belongs to both. With JSONata, the value of a
    field for which `takes_expression` is true may be an expression instead.
    """

    kind: str
    language: str | None = None
    takes_expression: bool = False
    least: float | None = None
    most: float | None = None
    allowed: tuple[str, ...] = ()


def _number(least: float, most: float | None = None, kind: str = "integer") -> Field:
    return Field(kind, takes_expression=True, least=least, most=most)


_TEXT = Field("string")
_PATH = Field("path", JSON_PATH)
_REFERENCE_PATH = Field("reference path", JSON_PATH)
_NUMBER_PATH = Field("variable or input path", JSON_PATH)
_TEMPLATE = Field("template", JSON_PATH)
_EXPRESSIONS = Field("expressions", JSONATA)
_EITHER_TEMPLATE = Field("template of the language")
_TARGET = _TEXT

_ANY = {"Type": _TEXT, "Comment": _TEXT, "QueryLanguage": Field("query language")}
_GOES_ON = {"Next": _TARGET, "End": Field("boolean")}
_INPUT_AND_OUTPUT = {"InputPath": _PATH, "OutputPath": _PATH, "Output": _EXPRESSIONS}
_ASSIGNS = {"Assign": Field("assignments")}
_RESULT = {"ResultPath": Field("result path", JSON_PATH), "ResultSelector": _TEMPLATE}
_ARGUMENTS = {"Parameters": _TEMPLATE, "Arguments": _EXPRESSIONS}
_FAILS = {"Retry": Field("retriers"), "Catch": Field("catchers")}
_TEXT_OR_EXPRESSION = Field("string", takes_expression=True)

STATE_FIELDS: dict[str, dict[str, Field]] = {
    "Task": {
        **_ANY,
        **_GOES_ON,
        **_INPUT_AND_OUTPUT,
        **_ASSIGNS,
        **_RESULT,
        **_ARGUMENTS,
        **_FAILS,
        "Resource": Field("resource"),
        "TimeoutSeconds": _number(1, LONGEST_WAIT),
        "TimeoutSecondsPath": _NUMBER_PATH,
        "HeartbeatSeconds": _number(1, LONGEST_WAIT),
        "HeartbeatSecondsPath": _NUMBER_PATH,
        "Credentials": _EITHER_TEMPLATE,
    },
    "Pass": {
        **_ANY,
        **_GOES_ON,
        **_INPUT_AND_OUTPUT,
        **_ASSIGNS,
        "ResultPath": _RESULT["ResultPath"],
        "Parameters": _TEMPLATE,
        "Result": Field("static result", JSON_PATH),
    },
    "Choice": {**_ANY, **_INPUT_AND_OUTPUT, **_ASSIGNS, "Choices": Field("choices"), "Default": _TARGET},
    "Wait": {
        **_ANY,
        **_GOES_ON,
        **_INPUT_AND_OUTPUT,
        **_ASSIGNS,
        "Seconds": _number(0, LONGEST_WAIT),
        "SecondsPath": Field("input path", JSON_PATH),
        "Timestamp": Field("timestamp", takes_expression=True),
        "TimestampPath": Field("input path", JSON_PATH),
    },
    "Succeed": {**_ANY, **_INPUT_AND_OUTPUT},
    "Fail": {
        **_ANY,
        "Error": _TEXT_OR_EXPRESSION,
        "ErrorPath": Field("path or function", JSON_PATH),
        "Cause": _TEXT_OR_EXPRESSION,
        "CausePath": Field("path or function", JSON_PATH),
    },
    "Parallel": {
        **_ANY,
        **_GOES_ON,
        **_INPUT_AND_OUTPUT,
        **_ASSIGNS,
        **_RESULT,
        **_ARGUMENTS,
        **_FAILS,
        "Branches": Field("branches"),
    },
    "Map": {
        **_ANY,
        **_GOES_ON,
        **_INPUT_AND_OUTPUT,
        **_ASSIGNS,
        **_RESULT,
        **_FAILS,
        "Parameters": _TEMPLATE,
        "Items": Field("items", JSONATA, takes_expression=True),
        "ItemsPath": Field("input path", JSON_PATH),
        "ItemSelector": _EITHER_TEMPLATE,
        "ItemProcessor": Field("processor"),
        "Iterator": Field("processor"),
        "ItemReader": Field("item reader"),
        "ItemBatcher": Field("item batcher"),
        "ResultWriter": Field("result writer"),
        "MaxConcurrency": _number(0),
        "MaxConcurrencyPath": _NUMBER_PATH,
        "ToleratedFailureCount": _number(0),
        "ToleratedFailureCountPath": _NUMBER_PATH,
        "ToleratedFailurePercentage": _number(0.0, 100.0, "number"),
        "ToleratedFailurePercentagePath": _NUMBER_PATH,
        "Label": Field("label"),
    },
}
REQUIRED: dict[str, tuple[str, ...]] = {"Task": ("Resource",), "Choice": ("Choices",), "Parallel": ("Branches",)}
EXACTLY_ONE: dict[str, tuple[tuple[str, ...], ...]] = {
    "Wait": (("Seconds", "SecondsPath", "Timestamp", "TimestampPath"),),
    "Map": (("ItemProcessor", "Iterator"),),
}
AT_MOST_ONE: dict[str, tuple[tuple[str, ...], ...]] = {
    "Task": (("TimeoutSeconds", "TimeoutSecondsPath"), ("HeartbeatSeconds", "HeartbeatSecondsPath")),
    "Fail": (("Error", "ErrorPath"), ("Cause", "CausePath")),
    "Map": (
        ("ItemSelector", "Parameters"),
        ("Items", "ItemsPath"),
        ("MaxConcurrency", "MaxConcurrencyPath"),
        ("ToleratedFailureCount", "ToleratedFailureCountPath"),
        ("ToleratedFailurePercentage", "ToleratedFailurePercentagePath"),
    ),
}
DISTRIBUTED_ONLY = ("ItemReader", "ItemBatcher", "ResultWriter", "Label")

MACHINE = {
    "Comment": _TEXT,
    "QueryLanguage": Field("query language"),
    "StartAt": _TEXT,
    "States": Field("states"),
    "TimeoutSeconds": Field("integer", least=1, most=LONGEST_WAIT),
    "Version": Field("string", allowed=("1.0",)),
}
BRANCH = {"Comment": _TEXT, "StartAt": _TEXT, "States": Field("states")}
PROCESSOR = {**BRANCH, "ProcessorConfig": Field("processor configuration")}
PROCESSOR_CONFIGURATION = {
    "Mode": Field("string", allowed=("INLINE", "DISTRIBUTED")),
    "ExecutionType": Field("string", allowed=("STANDARD", "EXPRESS")),
}
RETRIER = {
    "Comment": _TEXT,
    "ErrorEquals": Field("error names"),
    "IntervalSeconds": Field("integer", least=1, most=LONGEST_WAIT),
    "MaxAttempts": Field("integer", least=0, most=LONGEST_WAIT),
    "BackoffRate": Field("number", least=1.0),
    "MaxDelaySeconds": Field("integer", least=1, most=LONGEST_DELAY),
    "JitterStrategy": Field("string", allowed=("FULL", "NONE")),
}
CATCHER = {
    "Comment": _TEXT,
    "ErrorEquals": Field("error names"),
    "Next": _TARGET,
    "ResultPath": _RESULT["ResultPath"],
    "Output": _EXPRESSIONS,
    **_ASSIGNS,
}
CHOICE = {"Comment": _TEXT, "Next": _TARGET, "Output": _EXPRESSIONS, **_ASSIGNS}


def _operand(operator: str) -> Field:
    if operator.endswith("Path"):
        return Field("compared path")
    if operator.startswith("Is") or operator == "BooleanEquals":
        return Field("boolean")
    kinds = {"String": "compared string", "Numeric": "number", "Timestamp": "timestamp"}
    return Field(next(kind for name, kind in kinds.items() if operator.startswith(name)))


CHOICE_OPERANDS = {operator: _operand(operator) for operator in sorted(OPERATORS)}

ITEM_READER = {
    "Resource": Field("reader resource"),
    "Parameters": _TEMPLATE,
    "Arguments": _EXPRESSIONS,
    "ReaderConfig": Field("reader configuration"),
}
READER_CONFIGURATION = {
    "InputType": Field("string", allowed=("CSV", "JSON", "JSONL", "PARQUET", "MANIFEST")),
    "Transformation": Field("string", allowed=("NONE", "LOAD_AND_FLATTEN")),
    "ManifestType": Field("string", allowed=("ATHENA_DATA", "S3_INVENTORY")),
    "CSVHeaderLocation": Field("string", allowed=("FIRST_ROW", "GIVEN")),
    "CSVHeaders": Field("strings"),
    "CSVDelimiter": Field("string", allowed=("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB")),
    "ItemsPointer": _TEXT,
    "MaxItems": _number(0, 100_000_000),
    "MaxItemsPath": _NUMBER_PATH,
}
ITEM_BATCHER = {
    "BatchInput": _EITHER_TEMPLATE,
    "MaxItemsPerBatch": _number(0),
    "MaxItemsPerBatchPath": _NUMBER_PATH,
    "MaxInputBytesPerBatch": _number(0, 262_144),
    "MaxInputBytesPerBatchPath": _NUMBER_PATH,
}
BATCH_LIMITS = tuple(name for name in ITEM_BATCHER if name != "BatchInput")
"""An ItemBatcher has at least one of them."""
RESULT_WRITER = {
    "Resource": Field("writer resource"),
    "Parameters": _TEMPLATE,
    "Arguments": _EXPRESSIONS,
    "WriterConfig": Field("writer configuration"),
}
WRITER_CONFIGURATION = {
    "OutputType": Field("string", allowed=("JSON", "JSONL")),
    "Transformation": Field("string", allowed=("NONE", "COMPACT", "FLATTEN")),
}
