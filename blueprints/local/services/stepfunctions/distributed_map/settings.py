"""The fields of a distributed Map state, evaluated when the state begins."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blueprints.local.services.stepfunctions.distributed_map.item_batches import ItemBatcher
from blueprints.local.services.stepfunctions.distributed_map.item_readers import ItemReader
from blueprints.local.services.stepfunctions.distributed_map.result_writer import ResultWriter
from blueprints.local.services.stepfunctions.distributed_map.tolerances import Tolerance
from blueprints.local.services.stepfunctions.execution import data_flow
from blueprints.local.services.stepfunctions.execution.execution import STANDARD
from blueprints.states_language import json_path, jsonata, number_fields, payload_templates
from blueprints.states_language.definition import JSONATA, State
from blueprints.states_language.failures import runtime_failure
from blueprints.states_language.json_text import dump
from blueprints.states_language.visible_data import VisibleData

# One object: what a part of a definition is compiled to is kept by its identity.
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,19}")
_EMPTY: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Settings:
    """The evaluated fields of a distributed Map state, without MaxConcurrency."""

    label: str
    child_type: str
    tolerance: Tolerance
    reader: ItemReader | None
    batcher: ItemBatcher | None
    writer: ResultWriter | None


def read_settings(state: State, data: VisibleData, account: str) -> Settings:
    """Evaluate the fields. Raises StateFailed."""
    if state.query_language != JSONATA:
        data = data.having(input=data_flow.effective_input(state, data))
    return Settings(
        state.fields.get("Label") or str(uuid.uuid4()),
        _processor(state).get("ExecutionType", STANDARD),
        read_tolerance(state, data),
        _reader(state, data, account),
        _batcher(state, data),
        _writer(state, data, account),
    )


def _processor(state: State) -> Mapping[str, Any]:
    processor = state.fields.get("ItemProcessor") or state.fields.get("Iterator") or {}
    config: Mapping[str, Any] = processor.get("ProcessorConfig") or {}
    return config


def read_tolerance(state: State, data: VisibleData) -> Tolerance:
    """The failed items that the state tolerates. Raises StateFailed."""
    count = number_fields.whole_number(state.fields, "ToleratedFailureCount", data, state.query_language)
    percentage = number_fields.percentage(state.fields, "ToleratedFailurePercentage", data, state.query_language)
    return Tolerance().with_limits(count, percentage)


def _reader(state: State, data: VisibleData, account: str) -> ItemReader | None:
    fields = state.fields.get("ItemReader")
    if fields is None:
        return None
    config = fields.get("ReaderConfig", _EMPTY)
    if state.query_language == JSONATA:
        most = config.get("MaxItems", 0)
        most = jsonata.evaluate(most, data, "ItemReader/ReaderConfig/MaxItems", expected="integer")
        config = {**jsonata.evaluate(config, data, "ItemReader/ReaderConfig"), "MaxItems": most}
    elif "MaxItemsPath" in config:
        config = {**config, "MaxItems": _max_items(config["MaxItemsPath"], data)}
    resource = fields["Resource"].partition(":::")[2]
    return ItemReader(resource, _parameters(state, "ItemReader", data), account, config)


def _max_items(path: str, data: VisibleData) -> int:
    """The value of MaxItemsPath; a negative one fails the Map Run, not the state."""
    value = json_path.read(path, data, "MaxItemsPath")
    if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        written = value if isinstance(value, str) else dump(value)
        raise runtime_failure(
            data, f'The MaxItemsPath field refers to value "{written}" which is not a valid integer: {path}'
        )
    return value


def _batcher(state: State, data: VisibleData) -> ItemBatcher | None:
    fields = state.fields.get("ItemBatcher")
    if fields is None:
        return None
    language = state.query_language
    items = number_fields.whole_number(fields, "MaxItemsPerBatch", data, language, "ItemBatcher/")
    size = number_fields.whole_number(fields, "MaxInputBytesPerBatch", data, language, "ItemBatcher/")
    for name, limit in (("MaxItemsPerBatch", items), ("MaxInputBytesPerBatch", size)):
        if limit is not None and limit <= 0:
            raise runtime_failure(data, f"{name} must be greater than 0.")
    batch_input = fields.get("BatchInput")
    if batch_input is not None:
        batch_input = _filled(state, batch_input, "ItemBatcher/BatchInput", data)
    return ItemBatcher(items or 0, size or 0, batch_input)


def _writer(state: State, data: VisibleData, account: str) -> ResultWriter | None:
    fields = state.fields.get("ResultWriter")
    if not fields:
        return None
    parameters = _parameters(state, "ResultWriter", data) if "Resource" in fields else None
    return ResultWriter(account, parameters, fields.get("WriterConfig", {}))


def _parameters(state: State, field: str, data: VisibleData) -> Mapping[str, Any]:
    name = "Arguments" if state.query_language == JSONATA else "Parameters"
    parameters: Mapping[str, Any] = _filled(state, state.fields[field].get(name, _EMPTY), f"{field}/{name}", data)
    return parameters


def _filled(state: State, template: Any, field: str, data: VisibleData) -> Any:
    if state.query_language == JSONATA:
        return jsonata.evaluate(template, data, field)
    return payload_templates.fill(template, data)
