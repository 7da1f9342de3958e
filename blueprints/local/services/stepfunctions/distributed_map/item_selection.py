"""`ItemSelector`: what each child execution gets of its item."""

from collections.abc import Iterable, Iterator
from typing import Any

from blueprints.local.services.stepfunctions.distributed_map.item_readers import Item
from blueprints.local.services.stepfunctions.execution import data_flow, map_items
from blueprints.states_language import jsonata, payload_templates
from blueprints.states_language.definition import JSONATA, State
from blueprints.states_language.visible_data import VisibleData


def select(state: State, data: VisibleData, items: Iterable[Item]) -> Iterator[Any]:
    """ItemSelector (in older definitions Parameters) over each item, or the items as they are. Raises StateFailed."""
    name = "ItemSelector" if "ItemSelector" in state.fields else "Parameters"
    template = state.fields.get(name)
    if template is None:
        return (each.value for each in items)
    if state.query_language == JSONATA:
        return (jsonata.evaluate(template, each, name) for each in _seen(data, items))
    data = data.having(input=data_flow.effective_input(state, data))
    return (payload_templates.fill(template, each) for each in _seen(data, items))


def _seen(data: VisibleData, items: Iterable[Item]) -> Iterator[VisibleData]:
    """What the expressions of each item see: the context object has it as `Map.Item`."""
    for index, item in enumerate(items):
        described = {**map_items.described(item.value, index), "Source": item.source}
        yield data.having(context={**data.context, "Map": {"Item": described}})
