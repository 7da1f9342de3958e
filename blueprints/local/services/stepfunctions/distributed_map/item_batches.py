"""`ItemBatcher`: several items as the input of one child execution.

Source: "ItemBatcher (Map)" in the Step Functions Developer Guide.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from blueprints.states_language.failures import DATA_LIMIT_EXCEEDED, StateFailed
from blueprints.states_language.json_text import dump

LARGEST_INPUT = 256 * 1024
"""The most bytes of a child execution's input, in UTF-8."""


@dataclass(frozen=True)
class Batch:
    """The input of one child execution."""

    input: Any
    text: str
    """The input as JSON."""
    items: int
    """How many items are in it."""


@dataclass(frozen=True)
class ItemBatcher:
    """An `ItemBatcher` whose expressions were evaluated. A limit of 0 is none."""

    most_items: int = 0
    most_bytes: int = 0
    """The limit of the whole input, with `BatchInput` and what is around the items."""
    batch_input: Any = None
    """`BatchInput`; None if the state has none."""

    def batches(self, items: Iterable[Any]) -> Iterator[Batch]:
        """Put every item, in order, into one batch each. Raises StateFailed for an item that fits into none."""
        limit = min(self.most_bytes or LARGEST_INPUT, LARGEST_INPUT)
        prefix = '{"Items":[' if self.batch_input is None else f'{{"BatchInput":{dump(self.batch_input)},"Items":['
        empty = size_in_bytes(prefix) + len("]}")
        waiting: list[Any] = []
        texts: list[str] = []
        size = empty
        for item in items:
            text = dump(item)
            item_size = size_in_bytes(text)
            if texts and (size + len(",") + item_size > limit or len(texts) == self.most_items):
                yield self._batch(prefix, waiting, texts)
                waiting, texts, size = [], [], empty
            size += item_size + (len(",") if texts else 0)
            if size > limit:
                raise too_large(f"An item of {item_size} bytes does not fit into a batch of {limit} bytes")
            waiting.append(item)
            texts.append(text)
        if texts:
            yield self._batch(prefix, waiting, texts)

    def _batch(self, prefix: str, items: list[Any], texts: list[str]) -> Batch:
        whole = {"Items": items} if self.batch_input is None else {"BatchInput": self.batch_input, "Items": items}
        return Batch(whole, f"{prefix}{','.join(texts)}]}}", len(items))


def single_items(items: Iterable[Any]) -> Iterator[Batch]:
    """Without an ItemBatcher, each item is the input of a child execution. Raises StateFailed for one too large."""
    for item in items:
        text = dump(item)
        if size_in_bytes(text) > LARGEST_INPUT:
            raise too_large(
                f"An item of {size_in_bytes(text)} bytes exceeds the {LARGEST_INPUT} bytes of a child execution's input"
            )
        yield Batch(item, text, 1)


def too_large(cause: str) -> StateFailed:
    """The failure of a state whose items exceed a limit."""
    return StateFailed(DATA_LIMIT_EXCEEDED, cause)


def size_in_bytes(text: str) -> int:
    """The length in UTF-8; lone surrogates count as in UTF-16."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
