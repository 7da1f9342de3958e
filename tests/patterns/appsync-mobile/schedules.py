"""What the soak plays: random schedules of phones that share notes, for each conflict strategy."""

from sync_simulation import Life
from versions import STRATEGIES

KINDS: list[dict[str, bool]] = [{}, {"away": True}, {"hasty": True}, {"regrouped": True}]
SIMULATIONS = [(Life, {"strategy": strategy, **kind}) for strategy in STRATEGIES for kind in KINDS]
