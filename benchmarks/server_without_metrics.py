"""The embedded AWS whose services record no metrics, to measure what recording costs."""

from typing import Any

from blueprints.local.base import metrics


def _record_nothing(*_: Any, **__: Any) -> None:
    """Take the place of `metrics.record`."""


if __name__ == "__main__":
    metrics.record = _record_nothing  # before the services import it
    from blueprints.local.server import main

    main()
