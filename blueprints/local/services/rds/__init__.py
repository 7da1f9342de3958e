"""RDS: Aurora clusters and the Data API, on a real PostgreSQL."""

from blueprints.local.base.extension import EmbeddedAws, Extension
from blueprints.local.services.rds import clusters
from blueprints.local.services.rds.data_api import DataApi


class Rds(Extension):
    """Starts a PostgreSQL server for each cluster, and answers the Data API from it."""

    def install(self, aws: EmbeddedAws) -> None:
        self._databases = clusters.Databases(aws.folder / "postgres", aws.clock)
        clusters.install(self._databases)
        self._data_api = DataApi(self._databases)
        self._data_api.install()

    def reset(self) -> None:
        self._databases.close()
        self._data_api.forget_transactions()  # a connection closes only after its statement, which has ended now

    def close(self) -> None:
        self._databases.close()


EXTENSION = Rds()
