"""The kinds of schedules that a soak plays: what simulates one, and its options."""

from announcement_life import Announcing
from replica_life import Replicating

SIMULATIONS = (
    (Replicating, {}),
    (Announcing, {}),
    (Replicating, {"late": True}),
    (Announcing, {"late": True}),
    (Replicating, {"rewound": True}),
    (Announcing, {"rewound": True}),
    (Replicating, {"late": True, "rewound": True}),
    (Announcing, {"bus": True, "late": True, "rewound": True}),
)
