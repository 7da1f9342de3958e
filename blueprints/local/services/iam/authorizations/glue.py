"""AWS Glue: the catalog with its databases and tables; jobs, crawlers, triggers, workflows and connections.

A request about a table needs the permission on three resources: the catalog, the database and the table.
Source: Service Authorization Reference, "AWS Glue".
"""

from collections.abc import Sequence
from typing import Any

from blueprints.local.services.iam.authorizations.call import Authorization, Call

_CATALOG = "catalog"
_ON_DATABASES = frozenset(("CreateDatabase", "DeleteDatabase", "GetDatabase", "UpdateDatabase"))
_WORDS_OF_TABLES = ("Table", "Partition", "ColumnStatistics")
_WITHOUT_RESOURCE = frozenset(
    (
        "CreateCrawler",
        "CreateSecurityConfiguration",
        "GetCrawlerMetrics",
        "GetCrawlers",
        "GetJobBookmark",
        "GetJobs",
        "GetSecurityConfiguration",
        "GetSecurityConfigurations",
        "ListCrawlers",
        "ListJobs",
        "ListTriggers",
        "ListWorkflows",
        "ResetJobBookmark",
        "StartCrawlerSchedule",
        "StopCrawlerSchedule",
        "UpdateCrawlerSchedule",
    )
)
_KINDS: dict[str, tuple[str, ...]] = {
    "job": ("JobName", "Name"),
    "crawler": ("Name", "CrawlerName"),
    "trigger": ("Name",),
    "workflow": ("Name",),
    "connection": ("Name", "ConnectionName"),
}
"""Kinds of resources with the parameters that name one."""
_LISTS = {"job": "JobNames", "crawler": "CrawlerNames", "trigger": "TriggerNames", "workflow": "Names"}
_ON_TAGGED = frozenset(("GetTags", "TagResource", "UntagResource"))


def table_resources(database: str, tables: Sequence[str]) -> list[str]:
    """The resource parts of the ARNs that requests about tables need permission on."""
    return [_CATALOG, f"database/{database}", *(f"table/{database}/{each}" for each in tables)]


def _authorizations(call: Call) -> list[Authorization]:
    if call.path.startswith("/iceberg"):
        return [Authorization(f"glue:{call.operation}", call.arn(_CATALOG))]
    if call.operation in _ON_TAGGED:
        return [Authorization(f"glue:{call.operation}", call.text("ResourceArn") or "*")]
    needed = _resources(call)
    return [Authorization(f"glue:{call.operation}", "*" if each == "*" else call.arn(each)) for each in needed or ["*"]]


def _resources(call: Call) -> list[str]:
    """The resource parts of ARNs; empty for an action without resource-level permissions."""
    operation, given = call.operation, call.request
    if operation in _WITHOUT_RESOURCE:
        return []
    if operation in _ON_DATABASES:
        name = _name(given, "Name", "DatabaseInput")
        inside = [f"table/{name}/*", f"userDefinedFunction/{name}/*"] if operation == "DeleteDatabase" else []
        return [_CATALOG, f"database/{name}", *inside]
    if operation == "GetDatabases":
        return [_CATALOG, "database/*"]
    if operation == "SearchTables":
        return [_CATALOG, "database/*", "table/*/*"]
    if "UserDefinedFunction" in operation:
        database = given.get("DatabaseName") or "*"
        name = _name(given, "FunctionName", "FunctionInput") or "*"
        return [_CATALOG, f"database/{database}", f"userDefinedFunction/{database}/{name}"]
    if "DatabaseName" in given and any(word in operation for word in _WORDS_OF_TABLES):
        return table_resources(str(given["DatabaseName"]), _tables(call))
    return _of_kind(call)


def _of_kind(call: Call) -> list[str]:
    """The job, crawler, trigger, workflow or connection that an operation is about, by the operation's name."""
    kind = next((each for each in _KINDS if each.title() in call.operation), None)
    if kind is None:
        return [] if call.request else [_CATALOG]
    listed = call.texts(_LISTS.get(kind, ""))
    named = listed or [call.text(*_KINDS[kind]) or _nested_name(call)]
    resources = [f"{kind}/{name}" for name in named if name] or [f"{kind}/*"]
    return [_CATALOG, *resources] if kind == "connection" else resources


def _nested_name(call: Call) -> str:
    given = call.request.get("ConnectionInput")
    return str(given.get("Name", "")) if isinstance(given, dict) else ""


def _tables(call: Call) -> list[str]:
    listed = call.texts("TablesToDelete")
    if listed:
        return listed
    name = call.text("TableName") or _name(call.request, "Name", "TableInput")
    return [name or "*"]


def _name(given: dict[str, Any], parameter: str, inside: str) -> str:
    """A name, given by itself or in the description of what is created."""
    described = given.get(inside)
    return str(given.get(parameter) or (described.get("Name") if isinstance(described, dict) else "") or "")


SERVICES = {"glue": _authorizations}
