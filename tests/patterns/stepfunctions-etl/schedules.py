"""The kinds of schedules that a soak plays: what simulates one, and its options."""

from run_simulation import Runs

KINDS = (
    {},
    {"twice": True},
    {"late": True},
    {"replaced": True},
    {"twice": True, "late": True},
    {"twice": True, "late": True, "replaced": True},
)
SIMULATIONS = tuple((Runs, kind) for kind in KINDS)
