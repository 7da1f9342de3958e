"""One run of a block of states. Its record is all that a redrive needs: what succeeded is not run again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from blueprints.states_language.definition import Block
from blueprints.states_language.visible_data import MISSING


@dataclass(slots=True)
class Scope:
    """A run of a machine's states, of a branch or of an iteration; for redrive it is run again where it stopped."""

    block: Block
    input: Any
    variables: dict[str, Any] = field(default_factory=dict)
    """Its own, and copies of those of the scopes around it."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """What the context object has here beside Execution, StateMachine and State: `Map`."""
    last_event: int = 0
    """The id of the last event of this run, which the next one follows."""
    state: str = ""
    """The state that runs, or the one that failed; empty before the first."""
    state_input: Any = None
    entered_at: str = ""
    entered_event: int = 0
    before_entered: int = 0
    """The id of the event before the state was entered."""
    children: list["Scope"] | None = None
    """The branches or iterations of the state that runs."""
    map_run: Any = None
    """The Map Run of the distributed Map state that runs."""
    output: Any = MISSING
    """MISSING until every state of the block has succeeded."""
    is_resumed: bool = False
    """Whether the state `state` is run again by a redrive."""

    @property
    def succeeded(self) -> bool:
        """Whether the block has run to its end."""
        return self.output is not MISSING

    def resume(self) -> None:
        """Prepare this run and those inside it to go on where they stopped."""
        if self.succeeded or not self.state:
            return
        self.is_resumed = True
        for each in self.children or ():
            each.resume()
