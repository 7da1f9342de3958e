"""What a state sees, for the tests of its expressions; settings of property tests."""

from typing import Any

from hypothesis import settings

from blueprints.states_language.visible_data import VisibleData

in_any_time = settings(deadline=None, max_examples=60)
SENTENCE = "An error occurred while executing the state 'Sort' (entered at the event id #7). "


def seen(value: Any = None, *, context: Any = None, variables: Any = None, **more: Any) -> VisibleData:
    return VisibleData(value, context or {}, variables or {}, "Sort", 7, **more)
