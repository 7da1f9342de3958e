"""Aurora PostgreSQL clusters: each has a PostgreSQL server of its own.

The server of a template's cluster starts in the background when the cluster is created; that of a cluster created by
the API starts at the first statement. It ends with the cluster, with a reset, and with the embedded AWS.
"""

import json
import re
import shutil
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from blueprints.local.base.clock import Clock
from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import REGISTRY, ResourceFailed
from blueprints.local.services.rds import postgres
from blueprints.local.services.rds.postgres import Postgres, PostgresFailed

CLUSTERS = Internal("services.rds", "_clusters")
ACTIONS = Internal("services.rds", "_ACTION_MAP")
CREATE_SECRET = Internal(
    "services.secretsmanager", "create_secret_in_process", ("name", "secret_string", "description")
)
DELETE_SECRET = Internal("services.secretsmanager", "delete_secret_in_process", ("secret_id",))
NEW_PASSWORD = Internal("services.rds", "_generate_master_user_password", ())

ENGINE = "aurora-postgresql"
_AUTO_PAUSE_SECONDS = 300
_RESUME_SECONDS = 15.0
_SECRET_ARN = "MasterUserSecret.SecretArn"  # noqa: S105 - the name of an attribute
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Cluster = dict[str, Any]


class Resuming(Exception):
    """The cluster was paused and is resuming; the statement has to be sent again."""


class _Database:
    """A cluster's PostgreSQL server, with the cluster's user and database."""

    def __init__(self, folder: Path) -> None:
        self.server = Postgres(folder)
        self._lock = threading.Lock()
        self._ready = False
        self._stopped = False
        self._password: str | None = None
        self._last_used = time.monotonic()
        self._resumed_at = 0.0

    def prepare(self, cluster: Cluster) -> None:
        """Start the server and create the user and database if necessary; apply a changed password.

        Raises PostgresFailed, also after `stop`.
        """
        with self._lock:
            if self._stopped:
                raise PostgresFailed(f"the cluster {cluster['DBClusterIdentifier']} was deleted")
            if not self._ready:
                self.server.start()
                _make_user_and_database(self.server, cluster)
                self._password = cluster["_MasterUserPassword"]
                self._last_used = time.monotonic()
                self._ready = True
            elif self._password != cluster["_MasterUserPassword"]:
                _set_password(self.server, cluster)
                self._password = cluster["_MasterUserPassword"]

    def use(self, cluster: Cluster, clock: Clock) -> None:
        """Record activity; raise Resuming if the cluster had paused after a time without activity."""
        now = time.monotonic()
        scaling = cluster.get("ServerlessV2ScalingConfiguration") or {}
        pauses = "MinCapacity" in scaling and float(scaling["MinCapacity"]) == 0
        pause_after = clock.real(float(scaling.get("SecondsUntilAutoPause") or _AUTO_PAUSE_SECONDS))
        with self._lock:
            if pauses and now >= self._resumed_at and now - self._last_used > pause_after:
                self._resumed_at = now + clock.real(_RESUME_SECONDS)
            self._last_used = now
            if now < self._resumed_at:
                raise Resuming(
                    f"The Aurora DB instance of {cluster['DBClusterIdentifier']} is resuming after being auto-paused. "
                    "Please wait a few seconds and try again."
                )

    def stop(self) -> None:
        """End the server for good and remove its data; waits for a start that is under way."""
        with self._lock:
            self._stopped = True
            self.server.stop()


class Databases:
    """Every cluster's PostgreSQL, in a folder made for them; automatic pauses pass by the clock."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._databases: dict[str, _Database] = {}

    def server_of(self, cluster: Cluster) -> Postgres:
        """The running server of a cluster; records activity. Raises PostgresFailed or Resuming."""
        database = self._database(cluster)
        database.prepare(cluster)
        database.use(cluster, self._clock)
        return database.server

    def start(self, cluster: Cluster) -> None:
        """Start a cluster's server in the background; `server_of` waits for it, and raises if that failed."""
        database = self._database(cluster)

        def prepare() -> None:
            try:
                database.prepare(cluster)
            except PostgresFailed:
                return  # the first statement tries again, and its response says why

        threading.Thread(target=prepare, name="postgres-start", daemon=True).start()

    def remove(self, cluster: Cluster) -> None:
        """End a cluster's server, if it has one."""
        with self._lock:
            database = self._databases.pop(_key(cluster), None)
        if database:
            database.stop()

    def close(self) -> None:
        """Stop every server; clusters created later get new ones."""
        with self._lock:
            databases, self._databases = list(self._databases.values()), {}
        for database in databases:
            database.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _database(self, cluster: Cluster) -> _Database:
        with self._lock:
            key = _key(cluster)
            if key not in self._databases:
                self._folder.mkdir(parents=True, exist_ok=True)
                for passage in (self._folder.parent, self._folder):
                    postgres.let_pass(passage)
                self._databases[key] = _Database(self._folder / uuid.uuid4().hex[:8])
            return self._databases[key]


def install(databases: Databases) -> None:
    """Start and stop servers with the clusters that templates and the API create and delete."""
    registry = REGISTRY.current()
    stock = registry["AWS::RDS::DBCluster"]
    registry["AWS::RDS::DBCluster"] = {
        **stock,
        "create": _create(stock["create"], databases),
        "update": _update(stock["update"]),
        "delete": _delete(stock["delete"], databases),
    }
    instances = registry["AWS::RDS::DBInstance"]
    registry["AWS::RDS::DBInstance"] = {**instances, "create": _create_instance(instances["create"])}
    actions = ACTIONS.current()
    actions["DeleteDBCluster"] = _delete_by_api(actions["DeleteDBCluster"], databases)


_Made = tuple[str, dict[str, Any]]


def _create(create: Callable[..., _Made], databases: Databases) -> Callable[..., _Made]:
    def create_cluster(logical_id: str, props: dict[str, Any], stack_name: str) -> _Made:
        _check(props)
        identifier, attributes = create(logical_id, props, stack_name)
        cluster = CLUSTERS.current()[identifier]
        if _is_true(props.get("ManageMasterUserPassword")):
            _manage_password(cluster)
            attributes = {**attributes, _SECRET_ARN: cluster["MasterUserSecret"]["SecretArn"]}
        databases.start(cluster)
        return identifier, attributes

    return create_cluster


def _update(update: Callable[..., _Made]) -> Callable[..., _Made]:
    def update_cluster(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any) -> _Made:
        _check(new)
        identifier, attributes = update(physical_id, old, new, *rest)
        secret = CLUSTERS.current()[identifier].get("MasterUserSecret")
        return identifier, {**attributes, **({_SECRET_ARN: secret["SecretArn"]} if secret else {})}

    return update_cluster


def _delete(delete: Callable[..., None], databases: Databases) -> Callable[..., None]:
    def delete_cluster(physical_id: str, props: dict[str, Any]) -> None:
        cluster = CLUSTERS.current().get(physical_id)
        delete(physical_id, props)
        if cluster:
            databases.remove(cluster)
            if cluster.get("MasterUserSecret"):
                DELETE_SECRET.current()(cluster["MasterUserSecret"]["SecretArn"])

    return delete_cluster


def _create_instance(create: Callable[..., _Made]) -> Callable[..., _Made]:
    def create_instance(logical_id: str, props: dict[str, Any], stack_name: str) -> _Made:
        if not props.get("DBClusterIdentifier"):
            raise ResourceFailed(f"Of RDS, only clusters of the engine {ENGINE} and their instances run here.")
        return create(logical_id, props, stack_name)

    return create_instance


def _delete_by_api(delete: Callable[[dict[str, Any]], Any], databases: Databases) -> Callable[[dict[str, Any]], Any]:
    def delete_cluster(parameters: dict[str, Any]) -> Any:
        before = {_key(cluster): cluster for cluster in CLUSTERS.current().values()}
        answer = delete(parameters)
        for key in before.keys() - {_key(cluster) for cluster in CLUSTERS.current().values()}:
            databases.remove(before[key])
        return answer

    return delete_cluster


def _check(props: dict[str, Any]) -> None:
    engine = props.get("Engine")
    if engine != ENGINE:
        raise ResourceFailed(f"Of RDS, only clusters of the engine {ENGINE} run here, not {engine}.")
    if not postgres.is_installed():
        raise ResourceFailed(postgres.ADVICE)


def _manage_password(cluster: Cluster) -> None:
    """Act on ManageMasterUserPassword: make a random password, in a secret that RDS owns."""
    cluster["_MasterUserPassword"] = NEW_PASSWORD.current()()
    secret_arn = CREATE_SECRET.current()(
        f"rds!cluster-{uuid.uuid4()}",
        json.dumps({"username": cluster["MasterUsername"], "password": cluster["_MasterUserPassword"]}),
        f"Secret managed by RDS for DB cluster {cluster['DBClusterIdentifier']}",
    )
    cluster["MasterUserSecret"] = {"SecretArn": secret_arn, "SecretStatus": "active"}


def _make_user_and_database(server: Postgres, cluster: Cluster) -> None:
    """Create the master user, who may create databases and users but is no superuser, and the database."""
    user, database = _identifier(cluster["MasterUsername"]), cluster.get("DatabaseName")
    connection = server.connect("postgres")
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE ROLE rds_superuser")
            cursor.execute("GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO rds_superuser")
            cursor.execute(
                f'CREATE ROLE "{user}" LOGIN CREATEDB CREATEROLE IN ROLE rds_superuser PASSWORD %s',
                (cluster["_MasterUserPassword"],),
            )
            cursor.execute(f'GRANT CREATE ON SCHEMA public TO "{user}"')
            if database:
                cursor.execute(f'CREATE DATABASE "{_identifier(database)}" OWNER "{user}"')
    finally:
        connection.close()


def _set_password(server: Postgres, cluster: Cluster) -> None:
    connection = server.connect("postgres")
    try:
        with connection.cursor() as cursor:
            user = _identifier(cluster["MasterUsername"])
            cursor.execute(f'ALTER ROLE "{user}" PASSWORD %s', (cluster["_MasterUserPassword"],))
    finally:
        connection.close()


def _identifier(name: str) -> str:
    if not _IDENTIFIER.fullmatch(name):
        raise PostgresFailed(f"{name!r} is no name RDS takes for a user or database")
    return name


def _key(cluster: Cluster) -> str:
    """The key of a cluster; a new cluster with an old name has another one."""
    return str(cluster["DbClusterResourceId"])


def _is_true(value: object) -> bool:
    return str(value).lower() == "true"
