"""The kinds of schedules that a soak plays: what simulates one, and its options."""

from stream_simulation import Life

KINDS = (
    {},
    {"late": True},
    {"overtaken": True},
    {"again": True},
    {"relaned": True},
    {"rewound": True},
    {"resharded": True},
    {"late": True, "overtaken": True},
    {"late": True, "overtaken": True, "again": True},
    {"resharded": True, "late": True, "overtaken": True, "again": True},
)
SIMULATIONS = tuple((Life, kind) for kind in KINDS)
