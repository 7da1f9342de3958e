"""Which resources IAM judges a request to Glue by: of the catalog, several at once.

A request about a table needs a permission on the catalog, on the database and on the table. The base emulator knows one
resource. Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Glue".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from blueprints.local.base.client_json import read_json
from blueprints.local.base.internals import Internal
from blueprints.local.services.iam import caller_arn, caller_may

RESOURCE = Internal(
    "core.iam_actions",
    "extract_resource_arn",
    ("service", "method", "path", "headers", "body", "query_params", "region", "account_id"),
)
HANDLE = Internal("services.glue", "_handle_request_sync", ("method", "path", "headers", "body", "query_params"))
MESSAGE = Internal(
    "core.iam_actions", "identity_denial_message", ("action", "principal_arn", "resource", "explicit_deny")
)
REFUSE = Internal("core.responses", "error_response_json")
ACCOUNT = Internal("core.responses", "get_account_id", ())
REGION = Internal("core.responses", "get_region", ())

_JOB_ACTIONS = ("CreateJob", "DeleteJob", "GetJob", "UpdateJob", "StartJobRun", "GetJobRun", "GetJobRuns")
_OF_JOBS = frozenset((*_JOB_ACTIONS, "BatchStopJobRun"))
_OF_DATABASES = frozenset(("CreateDatabase", "DeleteDatabase", "GetDatabase", "UpdateDatabase"))
_WORDS_OF_TABLES = ("Table", "Partition", "ColumnStatistics")


def install() -> None:
    """Ask IAM for the first resource before a request is handled, and for the others as its first step."""
    resource, handle = RESOURCE.current(), HANDLE.current()

    def first_resource(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        region: str,
        account_id: str,
    ) -> str:
        if service == "glue" and not path.startswith("/iceberg"):
            found = needed(_action(headers), body)
            if found:
                return f"arn:aws:glue:{region}:{account_id}:{found[0]}"
        return str(resource(service, method, path, headers, body, query_params, region, account_id))

    def handle_permitted(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Any:
        action = _action(headers)
        denied = None if path.startswith("/iceberg") else first_denied(action, needed(action, body)[1:])
        return denied or handle(method, path, headers, body, query_params)

    RESOURCE.replace(first_resource)
    HANDLE.replace(handle_permitted)


def first_denied(action: str, resources: Sequence[str]) -> Any:
    """The answer that refuses a request for the first resource on which its caller may not act; None if it may."""
    named = f"glue:{action}"
    for each in resources:
        arn = f"arn:aws:glue:{REGION.current()()}:{ACCOUNT.current()()}:{each}"
        if not caller_may(named, arn):
            message = MESSAGE.current()(named, caller_arn(), arn, False)
            return REFUSE.current()("AccessDeniedException", message, 400)
    return None


def needed(action: str, body: bytes | str) -> list[str]:
    """The resource parts of the ARNs on which an action needs a permission; empty for other kinds of resources."""
    given = _json_object(body)
    if action in _OF_JOBS:
        return [f"job/{given.get('JobName') or given.get('Name') or ''}"]
    if action in _OF_DATABASES:
        name = given.get("Name") or (given.get("DatabaseInput") or {}).get("Name") or ""
        inside = [f"table/{name}/*", f"userDefinedFunction/{name}/*"] if action == "DeleteDatabase" else []
        return ["catalog", f"database/{name}", *inside]
    if action == "GetDatabases":
        return ["catalog", "database/*"]
    if "DatabaseName" in given and any(word in action for word in _WORDS_OF_TABLES):
        return table_resources(str(given["DatabaseName"]), _tables(given))
    return []


def table_resources(database: str, tables: Sequence[str]) -> list[str]:
    """The resource parts for requests about tables."""
    return ["catalog", f"database/{database}", *(f"table/{database}/{each}" for each in tables)]


def _tables(given: Mapping[str, Any]) -> list[str]:
    if "TablesToDelete" in given:
        return [str(each) for each in given["TablesToDelete"]]
    name = given.get("TableName") or given.get("Name") or (given.get("TableInput") or {}).get("Name")
    return [str(name)] if name else ["*"]


def _action(headers: Mapping[str, str]) -> str:
    return headers.get("x-amz-target", "").rpartition(".")[2]


def _json_object(body: bytes | str) -> dict[str, Any]:
    try:
        given = read_json(body or b"{}")
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}
