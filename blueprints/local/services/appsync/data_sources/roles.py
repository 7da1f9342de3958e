"""The role of a data source, which AppSync assumes for every call."""

import threading
from typing import Any

from blueprints.local.base.clients import Caller
from blueprints.local.services.appsync.data_sources.calls import SourceFailed
from blueprints.local.services.appsync.records import GraphqlApi, Record
from blueprints.local.services.iam import RoleNotAssumed, assume_role

_SERVICE = "appsync.amazonaws.com"
_SESSION = "APPSYNC_ASSUME_ROLE"


class Roles:
    """Assumes roles, and keeps boto3's clients as long as a role's credentials stay the same."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._clients: dict[tuple[str, Caller], Any] = {}
        self._making = threading.Lock()

    def assume(self, api: GraphqlApi, source: Record) -> Caller:
        """The credentials of a data source's role. Raises SourceFailed if AppSync may not assume it."""
        role = str(source.get("serviceRoleArn") or "")
        if not role:
            raise SourceFailed("BadRequestException", f"Data source {source['name']} has no service role.")
        try:
            return assume_role(role, _SERVICE, _SESSION, api.region, self._endpoint)
        except RoleNotAssumed:
            raise SourceFailed("UnauthorizedException", f"Unable to assume role {role}.") from None

    def client(self, api: GraphqlApi, source: Record, service: str, region: str, seconds: float) -> Any:
        """A client of a service in a data source's role. Raises SourceFailed."""
        caller = self.assume(api, source)
        key = (f"{service} {region}", caller)
        with self._making:
            if key not in self._clients:
                made = Caller(caller.access_key, caller.secret_key, caller.session_token, region, caller.endpoint)
                self._clients[key] = made.client(service, attempts=1, seconds=seconds, connections=64)
            return self._clients[key]

    def reset(self) -> None:
        """Forget every client."""
        with self._making:
            self._clients.clear()
