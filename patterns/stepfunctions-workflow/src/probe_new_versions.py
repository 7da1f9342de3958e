"""CodeDeploy hook before new versions get traffic: do they refuse an order that was cancelled before it was placed?

This runs every new version, its permissions and its writes, and neither takes stock nor charges nor ships.
"""

from dataclasses import dataclass
from typing import Any

from deployment_probe import check_cancelled, order_for, remove

from blueprints_shared import deployment_hooks
from blueprints_shared.clients import client
from blueprints_shared.deployment_hooks import CheckFailed, invoke
from blueprints_shared.observability import Logger
from blueprints_shared.settings import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment variables that the template sets: ARNs of new versions, and the name of the ledger's table."""

    place_orders: str
    stock: str
    payments: str
    approvals: str
    shipping: str
    decide: str
    table: str


logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Probe the new versions of all functions, because CodeDeploy does not say which one it deploys."""

    def check(time_left: deployment_hooks.TimeLeft) -> None:
        # Settings and clients are made here, so that an error in them is reported too.
        settings, functions = load(Settings), client("lambda", read_timeout=30, attempts=2)
        order_id = f"_probe-{event['DeploymentId']}"
        try:
            probe_steps(functions, settings, order_id)
            placed = invoke(functions, settings.place_orders, order_for(order_id))
            check_cancelled(client("stepfunctions"), placed["execution"], time_left)
        finally:
            remove(client("dynamodb"), settings.table, order_id)

    return deployment_hooks.answer(event, context, check, logger)


def probe_steps(functions: Any, settings: Settings, order_id: str) -> None:
    """Run the compensations of an order, then its steps, each of which has to refuse it. Raises CheckFailed."""
    for function, step, expected in (
        (settings.shipping, "cancel", "cancelled"),
        (settings.approvals, "settle", "expired"),
        (settings.payments, "refund", "refunded"),
        (settings.stock, "release", "released"),
        (settings.stock, "reserve", "refused"),
        (settings.payments, "charge", "refused"),
        (settings.shipping, "ship", "refused"),
    ):
        answer = invoke(functions, function, {"step": step, "order": order_for(order_id)})
        if answer.get("outcome") != expected:
            raise CheckFailed(f"{step} answered {answer} to a cancelled order, expected {expected}")
    answer = invoke(functions, settings.decide, {"order_id": order_id, "decision": "approve"})
    if answer.get("outcome") != "cancelled":
        raise CheckFailed(f"a cancelled order could be decided on: {answer}")
