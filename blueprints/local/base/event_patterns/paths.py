"""The paths of an alternative of a pattern, as a tree of their steps."""

from dataclasses import dataclass, field

from blueprints.local.base.event_patterns.values import Accepts, ValueList


@dataclass(frozen=True)
class Leaf:
    """A path of a pattern and what it accepts there."""

    number: int
    """Its place in the order of the paths."""
    accepts: Accepts
    absent: bool
    """Whether an event without a value there is accepted."""


@dataclass
class Node:
    """A step of paths."""

    leaf: Leaf | None = None
    below: dict[str, "Node"] = field(default_factory=dict)
    joined: dict[str, "Node"] = field(default_factory=dict)
    """Nodes further below by the names of the steps to them, joined by dots: an event may have a key with dots."""
    may_be_absent: bool = False
    """Whether an event without this step is accepted."""
    any_absent: bool = False
    """Whether a path at this step or below accepts events without a value."""


def tree_of(alternative: dict[str, ValueList]) -> tuple[Node, list[Leaf]]:
    """The root of the steps, and the leaves in their order."""
    root, leaves = Node(), []
    # The library orders paths as Java does, by UTF-16. The order counts where values may be absent.
    for number, path in enumerate(sorted(alternative, key=lambda each: each.encode("utf-16-be", "surrogatepass"))):
        values = alternative[path]
        leaf = Leaf(number, values.accepts(), values.absent)
        leaves.append(leaf)
        node = root
        for step in path.split("."):
            node = node.below.setdefault(step, Node())
        node.leaf = leaf
    _finish(root)
    return root, leaves


def _finish(node: Node) -> None:
    for name, lower in node.below.items():
        _finish(lower)
        for further, target in (*lower.below.items(), *lower.joined.items()):
            node.joined[f"{name}.{further}"] = target
    below = node.below.values()
    leaf_absent = node.leaf is not None and node.leaf.absent
    node.may_be_absent = (node.leaf is None or leaf_absent) and all(each.may_be_absent for each in below)
    node.any_absent = leaf_absent or any(each.any_absent for each in below)
