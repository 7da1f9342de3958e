"""The RDS Data API on a real PostgreSQL: every statement runs, and its result is returned.

Without a container, the base emulator acknowledges statements without running them. Its resolution of clusters and
secrets is kept; everything that concerns SQL is here. Sources: RDS Data API reference; Aurora User Guide, "Using
RDS Data API" with its limitations and its differences for Aurora Serverless v2.
"""

import asyncio
import contextvars
import json
import re
import threading
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillRunning
from dataclasses import dataclass, field
from typing import Any, TypeVar

from blueprints.local.base.client_json import read_json
from blueprints.local.base.internals import Internal
from blueprints.local.services import kms
from blueprints.local.services.rds import results
from blueprints.local.services.rds.clusters import ENGINE, Databases, Resuming
from blueprints.local.services.rds.postgres import Postgres, PostgresFailed
from blueprints.local.services.rds.results import Column, Type, UnsupportedResult
from blueprints.local.services.rds.statements import BadStatement, render

HANDLE = Internal("services.rds_data", "handle_request", ("method", "path", "headers", "body", "query_params"))
TARGET = Internal("services.rds_data", "_resolve_target", ("resource_arn",))
CREDENTIALS = Internal("services.rds_data", "_require_secret_credentials", ("secret_arn",))
ENDPOINT = Internal("services.rds_data", "_validate_http_endpoint_enabled", ("cluster", "resource_arn"))
UNRESOLVED = Internal("services.rds_data", "_cluster_resolution_error", ("resource_arn", "engine"))
ERROR = Internal("services.rds_data", "_error", ("code", "message", "status"))
TRANSACTION_UNKNOWN = Internal("services.rds_data", "_transaction_not_found_error", ("txn_id",))
COMPLETION_UNKNOWN = Internal("services.rds_data", "_transaction_completion_not_found_error", ("txn_id",))
AUTHORISE = Internal(
    "app",
    "_enforce_data_plane",
    (
        "service",
        "iam_action",
        "headers",
        "query_params",
        "request_id",
        "resource_arn",
        "service_context",
        "auth_error_response",
        "named_resource",
    ),
)

REQUEST_LIMIT = 4 * 1024 * 1024
STATEMENT_SECONDS = 45.0
# An unused transaction is rolled back after this time.
TRANSACTION_SECONDS = 180.0

_OPTIONS = {
    "formatRecordsAs": ("NONE", "JSON"),
    "decimalReturnType": ("STRING", "DOUBLE_OR_LONG"),
    "longReturnType": ("LONG", "STRING"),
}
_AT_ONCE = 64
_REFUSED_LOGIN = re.compile(r"FATAL:\s+(?P<message>.+)")
_LOGIN_STATES = {"password authentication": "28P01", "does not exist": "3D000", "too many": "53300"}
_FIRST_USER_OID = 16384

Response = tuple[int, dict[str, str], bytes]
Request = dict[str, Any]
T = TypeVar("T")


class Refused(Exception):
    """An error response of the Data API."""

    def __init__(self, response: Response) -> None:
        super().__init__(response[2])
        self.response = response


@dataclass(frozen=True)
class _Access:
    """The cluster that a call may use, with its user and password."""

    cluster: dict[str, Any]
    user: str
    password: str


@dataclass
class _Transaction:
    connection: Any
    resource_arn: str
    database: str | None
    busy: threading.Lock = field(default_factory=threading.Lock)


class DataApi:
    """Answers the Data API's calls from the servers of `databases`; times in seconds."""

    def __init__(
        self,
        databases: Databases,
        statement_seconds: float = STATEMENT_SECONDS,
        transaction_seconds: float = TRANSACTION_SECONDS,
    ) -> None:
        self._databases = databases
        self._statement_seconds = statement_seconds
        self._transaction_seconds = transaction_seconds
        self._transactions: dict[str, _Transaction] = {}
        self._types: dict[int, Type] = {}
        self._workers = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="rds-data")
        self._operations: dict[str, Callable[[Request, _Access], dict[str, Any]]] = {
            "/Execute": self._execute,
            "/BatchExecute": self._batch_execute,
            "/BeginTransaction": self._begin,
            "/CommitTransaction": self._commit,
            "/RollbackTransaction": self._roll_back,
        }

    def install(self) -> None:
        """Take the base emulator's place."""
        handle: Callable[..., Awaitable[Response]] = HANDLE.current()

        async def handle_request(
            method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
        ) -> Response:
            if path not in self._operations:
                return await handle(method, path, headers, body, query_params)
            context = contextvars.copy_context()
            answer = self._workers.submit(context.run, self.answer, path, headers, body, query_params)
            return await asyncio.wrap_future(answer)

        HANDLE.replace(handle_request)

    def answer(self, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]) -> Response:
        """The response to one call; errors are responses too."""
        try:
            if len(body) > REQUEST_LIMIT:
                raise _refused("BadRequestException", "Request size exceeds the 4 MB limit.")
            request = _parsed(body)
            _check_options(request)
            access = self._access(request, headers, query_params)
            answer = self._operations[path](request, access)
        except Refused as refused:
            return refused.response
        except Resuming as resuming:
            return _error("DatabaseResumingException", str(resuming))
        except (BadStatement, UnsupportedResult) as error:
            code = error.code if isinstance(error, BadStatement) else "UnsupportedResultException"
            return _error(code, str(error))
        except PostgresFailed as failure:
            return _error("DatabaseUnavailableException", str(failure), 504)
        return 200, {"Content-Type": "application/json"}, json.dumps(answer, ensure_ascii=False).encode()

    def forget_transactions(self) -> None:
        """Roll all open transactions back."""
        transactions, self._transactions = self._transactions, {}
        for transaction in transactions.values():
            transaction.connection.close()

    def _access(self, request: Request, headers: dict[str, str], query_params: dict[str, Any]) -> _Access:
        """The cluster and its user, after all checks that AWS makes before it reads the statement."""
        for name in ("resourceArn", "secretArn"):
            if not request.get(name):
                raise _refused("BadRequestException", f"{name} is required")
        resource_arn, secret_arn = request["resourceArn"], request["secretArn"]
        instance, engine, cluster = TARGET.current()(resource_arn)
        if cluster is None:
            raise Refused(UNRESOLVED.current()(resource_arn, None))
        if refusal := ENDPOINT.current()(cluster, resource_arn):
            raise Refused(refusal)
        if instance is None:
            raise _refused("DatabaseNotFoundException", f"DB Cluster {resource_arn} doesn't have a DB instance.", 404)
        if engine != ENGINE:
            raise _refused("BadRequestException", f"Only clusters of the engine {ENGINE} run here, not {engine}.")
        _authorise_secret(secret_arn, headers, query_params)
        user, password, refusal = CREDENTIALS.current()(secret_arn)
        if refusal:
            raise Refused(refusal)
        if not user:
            raise _refused("InvalidSecretException", f"Secret does not contain a username for ARN: {secret_arn}")
        return _Access(cluster, user, password)

    def _execute(self, request: Request, access: _Access) -> dict[str, Any]:
        def run(connection: Any) -> dict[str, Any]:
            with connection.cursor() as cursor:
                cursor.execute(_statement(connection, request["sql"], request.get("parameters") or []))
                return self._outcome(connection, cursor, request)

        return self._running(request, access, run)

    def _batch_execute(self, request: Request, access: _Access) -> dict[str, Any]:
        sets = request.get("parameterSets") or []  # once per parameter set, also for an empty one

        def run(connection: Any) -> dict[str, Any]:
            statements = [_statement(connection, request["sql"], each) for each in sets]
            with connection.cursor() as cursor:
                # All or nothing: within the caller's transaction, or in one of its own.
                if "transactionId" not in request:
                    cursor.execute("BEGIN")
                for statement in statements:
                    cursor.execute(statement)
                if "transactionId" not in request:
                    cursor.execute("COMMIT")
            return {"updateResults": [{"generatedFields": []} for _ in sets]}

        return self._running(request, access, run)

    def _begin(self, request: Request, access: _Access) -> dict[str, Any]:
        def begin() -> str:
            connection = self._connected(request, access, self._statement_seconds)
            with connection.cursor() as cursor:
                cursor.execute("BEGIN")
            identity = str(uuid.uuid4())
            self._transactions[identity] = _Transaction(connection, request["resourceArn"], request.get("database"))
            return identity

        return {"transactionId": _reporting(begin)}

    def _commit(self, request: Request, access: _Access) -> dict[str, Any]:  # noqa: ARG002 - checked, not used
        if self._complete(request, "COMMIT") == "ROLLBACK":
            raise _refused(
                "DatabaseErrorException",
                "ERROR: The database returned ROLLBACK, so the transaction cannot be committed; SQLState: 40000",
            )
        return {"transactionStatus": "Transaction Committed"}

    def _roll_back(self, request: Request, access: _Access) -> dict[str, Any]:  # noqa: ARG002 - checked, not used
        self._complete(request, "ROLLBACK")
        return {"transactionStatus": "Rollback Complete"}

    def _complete(self, request: Request, command: str) -> str:
        """End a transaction; returns PostgreSQL's status."""
        identity = request.get("transactionId") or ""
        transaction = self._transactions.get(identity)
        if transaction is None or transaction.resource_arn != request["resourceArn"]:
            raise Refused(COMPLETION_UNKNOWN.current()(identity))
        with _exclusive(transaction):
            if self._transactions.pop(identity, None) is None:  # another call ended it meanwhile
                raise Refused(COMPLETION_UNKNOWN.current()(identity))
            try:
                return _reporting(
                    lambda: _command(transaction.connection, command), lost=COMPLETION_UNKNOWN, of=identity
                )
            finally:
                transaction.connection.close()

    def _running(self, request: Request, access: _Access, run: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Run on a new connection, or on the transaction's."""
        if not request.get("sql"):
            raise _refused("BadRequestException", "sql is required")
        if "transactionId" in request:
            transaction = self._transaction(request)
            with _exclusive(transaction):
                return _reporting(
                    lambda: run(transaction.connection), lost=TRANSACTION_UNKNOWN, of=request["transactionId"]
                )
        if request.get("continueAfterTimeout"):
            return self._outliving(request, access, run)
        return self._once(request, access, run, self._statement_seconds)

    def _once(
        self, request: Request, access: _Access, run: Callable[[Any], dict[str, Any]], seconds: float
    ) -> dict[str, Any]:
        def with_connection() -> dict[str, Any]:
            connection = self._connected(request, access, seconds)
            try:
                return run(connection)
            finally:
                connection.close()

        return _reporting(with_connection)

    def _outliving(self, request: Request, access: _Access, run: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Run a statement that continues when the call times out."""
        answer: Future[dict[str, Any]] = Future()

        def work() -> None:
            try:
                answer.set_result(self._once(request, access, run, 0))
            except Exception as error:  # noqa: BLE001 - handed to whoever waits for the answer
                answer.set_exception(error)

        threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True).start()
        try:
            return answer.result(self._statement_seconds)
        except StillRunning:
            raise _timed_out() from None

    def _transaction(self, request: Request) -> _Transaction:
        transaction = self._transactions.get(request["transactionId"])
        if transaction is None or transaction.resource_arn != request["resourceArn"]:
            raise Refused(TRANSACTION_UNKNOWN.current()(request["transactionId"]))
        if request.get("database") and request["database"] != transaction.database:
            raise _refused("BadRequestException", "Database name is not the same as transaction's")
        return transaction

    def _connected(self, request: Request, access: _Access, statement_seconds: float) -> Any:
        """A connection as the secret's user; without a database, to the one with the user's name."""
        server = self._databases.server_of(access.cluster)
        settings = {
            "statement_timeout": int(statement_seconds * 1000),
            "idle_in_transaction_session_timeout": int(self._transaction_seconds * 1000),
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        connection = _login(server, request.get("database") or access.user, access, options)
        _leave_values_as_text(connection)
        return connection

    def _outcome(self, connection: Any, cursor: Any, request: Request) -> dict[str, Any]:
        command = (cursor.statusmessage or "").split(" ")[0]
        answer: dict[str, Any] = {
            "generatedFields": [],
            "numberOfRecordsUpdated": 0 if command == "SELECT" else max(cursor.rowcount, 0),
        }
        if cursor.description is None:
            return answer
        columns = self._columns(connection, cursor.description)
        found = cursor.fetchall()
        results.check_size(found)
        rows = _with_arrays(columns, found, cursor)
        options = results.ResultOptions.of(request)
        if request.get("formatRecordsAs") == "JSON" and command == "SELECT":
            return {**answer, "formattedRecords": results.formatted(columns, rows, options)}
        answer["records"] = results.fields(columns, rows, options)
        if request.get("includeResultMetadata"):
            answer["columnMetadata"] = results.metadata(columns)
        return answer

    def _columns(self, connection: Any, description: Any) -> list[Column]:
        types = self._types_of(connection, {each.type_code for each in description})
        return [Column(each.name, types[each.type_code], each.precision or 0, each.scale or 0) for each in description]

    def _types_of(self, connection: Any, oids: set[int]) -> dict[int, Type]:
        """Types by oid. Built-in types are the same in every database, so they are cached."""
        known = {oid: self._types[oid] for oid in oids if oid in self._types}
        wanted = oids - known.keys()
        if wanted:
            found = _look_up_types(connection, wanted)
            self._types.update({oid: each for oid, each in found.items() if oid < _FIRST_USER_OID})
            known.update(found)
        return known


def _parsed(body: bytes) -> Request:
    try:
        request = read_json(body or b"{}")
    except ValueError:
        raise _refused("BadRequestException", "Invalid JSON in request body") from None
    if not isinstance(request, dict):
        raise _refused("BadRequestException", "Invalid JSON in request body")
    return {name: value for name, value in request.items() if value is not None}


def _check_options(request: Request) -> None:
    """Refuse options that the API does not support."""
    if "schema" in request:
        raise _refused("ValidationException", "The schema parameter isn't supported")
    options = {**request, **(request.get("resultSetOptions") or {})}
    for name, known in _OPTIONS.items():
        if options.get(name, known[0]) not in known:
            said = f"Value '{options[name]}' at '{name}' failed to satisfy constraint"
            raise _refused(
                "ValidationException",
                f"1 validation error detected: {said}: Member must satisfy enum value set: [{', '.join(known)}]",
            )


def _authorise_secret(secret_arn: str, headers: dict[str, str], query_params: dict[str, Any]) -> None:
    """Check that the caller may read the secret, as the Data API reads it with the caller's permission."""
    if not headers.get("authorization"):
        return  # the caller is a service of the emulator, which checked the permission itself
    action = "secretsmanager:GetSecretValue"
    denied = AUTHORISE.current()(
        "secretsmanager", action, headers, query_params, str(uuid.uuid4()), resource_arn=secret_arn
    )
    if denied:
        said = json.loads(denied[2])
        raise _refused("AccessDeniedException", said.get("message") or said.get("Message") or action, 403)
    encryption = kms.encryption_of(secret_arn)
    if encryption:
        try:
            kms.require_caller(encryption, "Decrypt")
        except kms.KeyRefused as refused:
            raise _refused("AccessDeniedException", str(refused), 403) from None


def _login(server: Postgres, database: str, access: _Access, options: str) -> Any:
    import psycopg2  # type: ignore[import-untyped]

    try:
        return server.connect(database, access.user, access.password, options=options)
    except psycopg2.OperationalError as error:
        refused = _REFUSED_LOGIN.search(str(error))
        if refused is None:
            raise PostgresFailed(f"The database does not answer: {error}") from error
        message = refused["message"].strip()
        state = next((state for words, state in _LOGIN_STATES.items() if words in message), "08004")
        raise _refused("DatabaseErrorException", f"FATAL: {message}; SQLState: {state}") from error


def _statement(connection: Any, sql: str, parameters: list[dict[str, Any]]) -> str:
    from psycopg2.extensions import adapt  # type: ignore[import-untyped]

    def quote(value: Any) -> str:
        adapted = adapt(value)
        if hasattr(adapted, "prepare"):
            adapted.prepare(connection)
        try:
            return str(adapted.getquoted().decode())
        except ValueError as error:  # NUL, which no text of PostgreSQL may hold
            message = 'ERROR: invalid byte sequence for encoding "UTF8": 0x00; SQLState: 22021'
            raise _refused("DatabaseErrorException", message) from error

    return render(sql, parameters, quote)


def _reporting(work: Callable[[], T], *, lost: Internal = TRANSACTION_UNKNOWN, of: str | None = None) -> T:
    """Run `work`; an error of PostgreSQL becomes the API's error response.

    A connection lost in the transaction `of` means that PostgreSQL rolled it back for being idle.
    """
    import psycopg2

    try:
        return work()
    except psycopg2.Error as error:
        if error.pgcode == "57014":
            raise _timed_out() from error
        if of is not None and (error.pgcode in (None, "25P03") or isinstance(error, psycopg2.InterfaceError)):
            raise Refused(lost.current()(of)) from error
        raise _refused("DatabaseErrorException", _described(error)) from error


def _described(error: Any) -> str:
    said = error.diag
    parts = [f"{said.severity or 'ERROR'}: {said.message_primary or str(error).strip()}"]
    if said.message_hint:
        parts.append(f"Hint: {said.message_hint}")
    if said.statement_position:
        parts.append(f"Position: {said.statement_position}")
    if error.pgcode:
        parts.append(f"SQLState: {error.pgcode}")
    return "; ".join(parts)


class _exclusive:  # noqa: N801 - reads as a statement: with _exclusive(transaction)
    """Allow one call at a time in a transaction; another is refused, as by the API."""

    def __init__(self, transaction: _Transaction) -> None:
        self._busy = transaction.busy

    def __enter__(self) -> None:
        if not self._busy.acquire(blocking=False):
            raise _refused("DatabaseErrorException", "Transaction is still running a query")

    def __exit__(self, *_: object) -> None:
        self._busy.release()


def _command(connection: Any, command: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(command)
        return str(cursor.statusmessage)


def _leave_values_as_text(connection: Any) -> None:
    """Make psycopg2 return text, so that no value passes through a type of Python."""
    from psycopg2 import extensions

    known = tuple(oid for oid in extensions.string_types if isinstance(oid, int))
    extensions.register_type(extensions.new_type(known, "TEXT", lambda text, _: text), connection)


def _with_arrays(columns: list[Column], rows: list[tuple[Any, ...]], cursor: Any) -> list[tuple[Any, ...]]:
    """The rows, with arrays as lists of text."""
    from psycopg2 import extensions

    arrays = {index for index, column in enumerate(columns) if column.type.element}
    if not arrays:
        return rows
    text = extensions.new_type((1,), "MEMBER", lambda value, _: value)
    array = extensions.new_array_type((2,), "ARRAY", text)
    return [
        tuple(array(value, cursor) if index in arrays else value for index, value in enumerate(row)) for row in rows
    ]


def _look_up_types(connection: Any, oids: set[int]) -> dict[int, Type]:
    query = """
        SELECT t.oid, t.typname, t.typtype, e.typname, e.typtype
        FROM pg_catalog.pg_type t
        LEFT JOIN pg_catalog.pg_type e ON t.typcategory = 'A' AND e.oid = t.typelem
        WHERE t.oid = ANY (%s::oid[])
    """
    with connection.cursor() as cursor:
        cursor.execute(query, (sorted(oids),))
        return {
            int(oid): Type(name, kind, Type(element, element_kind) if element else None)
            for oid, name, kind, element, element_kind in cursor.fetchall()
        }


def _error(code: str, message: str, status: int = 400) -> Response:
    response: Response = ERROR.current()(code, message, status)
    return response


def _refused(code: str, message: str, status: int = 400) -> Refused:
    return Refused(_error(code, message, status))


def _timed_out() -> Refused:
    return _refused("StatementTimeoutException", "Request timed out")
