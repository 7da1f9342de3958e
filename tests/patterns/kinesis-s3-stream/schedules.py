"""The kinds of schedules that a soak plays: what simulates one, and its options."""

from stream_simulation import Life

KINDS = (
    {},
    {"late": True},
    {"overtaken": True},
    {"redelivered": True},
    {"reparallelized": True},
    {"rewound": True},
    {"resharded": True},
    {"late": True, "overtaken": True},
    {"late": True, "overtaken": True, "redelivered": True},
    {"resharded": True, "late": True, "overtaken": True, "redelivered": True},
)
SIMULATIONS = tuple((Life, kind) for kind in KINDS)
