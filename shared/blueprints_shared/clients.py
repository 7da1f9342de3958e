"""AWS clients for handlers, with time limits, so that a call that hangs does not use up the invocation.

The wheel of this package contains shortened copies of botocore's data for the services that the patterns call, in
`service_models/`. Clients are created from them, which is faster; the code is the runtime's botocore. If the copies are
missing, or do not work with that botocore, its own data is read: slower, with the same result.
"""

import json
import logging
import os
from typing import Any

from blueprints_shared.quick_botocore import Config, Loader, get_session, quickly

__all__ = ["client"]

_MODELS = os.path.join(os.path.dirname(__file__), "service_models")  # noqa: PTH118, PTH120 - pathlib is slow to import


def client(service: str, *, connect_timeout: float = 2, read_timeout: float = 10, attempts: int = 3) -> Any:
    """A low-level client, the same as boto3's; times in seconds, `attempts` includes the first.

    It comes from botocore, which boto3 wraps: importing boto3 as well would slow down a cold start.
    """
    config = Config(
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    return quickly(lambda: _create(service, config))


def _create(service: str, config: Any) -> Any:
    if os.path.isdir(os.path.join(_MODELS, service)):  # noqa: PTH112, PTH118
        try:
            return _session_with_copies(service).create_client(service, config=config)
        except Exception:  # an update of the runtime's botocore must not stop a function
            _logger.warning("using botocore's own data for %s, as its shortened copy failed", service, exc_info=True)
    return get_session().create_client(service, config=config)


_logger = logging.getLogger(__name__)


def _session_with_copies(service: str) -> Any:
    session = get_session()
    # A data path of the user's own takes precedence.
    if not session.get_config_variable("data_path"):
        session.register_component("data_loader", _Copies(service))
    return session


class _Copies(Loader):  # type: ignore[misc]  # botocore has no types
    """Loads the shortened copies for one service, and botocore's own files for everything else."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        copy = None
        if service_name == self._service and api_version is None:
            copy = _read(os.path.join(service_name, f"{type_name}.json"))  # noqa: PTH118
        return copy or super().load_service_model(service_name, type_name, api_version)

    def load_data_with_path(self, name: str) -> Any:
        if name != "endpoints":
            return super().load_data_with_path(name)
        # botocore ignores its endpoint rules if endpoints come from another folder than its own.
        return _read("endpoints.json"), os.path.join(self.BUILTIN_DATA_PATH, "endpoints.json")  # noqa: PTH118


def _read(path: str) -> Any:
    """A JSON file of `service_models/`; None if it does not exist."""
    try:
        with open(os.path.join(_MODELS, path), "rb") as file:  # noqa: PTH118, PTH123
            return json.loads(file.read())
    except FileNotFoundError:
        return None
