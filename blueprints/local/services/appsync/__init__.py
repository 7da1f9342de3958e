"""AppSync: GraphQL APIs, whose control plane the base emulator keeps and whose requests are answered here.

records          what the base emulator stores of an API, as values
requests         a request, the caller's identity, a response and its errors
javascript       runs and checks the APPSYNC_JS code of resolvers
code_evaluation  the API's operation EvaluateCode
nesting          how deeply GraphQL texts are nested
schemas          AppSync's scalars and directives; reads a schema
execution        executes operations: documents, resolvers, subscriptions' selections
data_sources     calls functions and tables in the data source's role
control_plane    the operations of the API and the types of CloudFormation, checked as AppSync does
authorization    who may use an API, and which of its fields
function_calls   awaits invocations of functions
client_json      reads the JSON of clients
endpoints        which API a request is for
http             the endpoint over HTTP
realtime         subscriptions over WebSockets
metrics          the metrics of AWS/AppSync
request_logs     the logs of requests
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from blueprints.local.base.extension import EmbeddedAws, Extension, Route
from blueprints.local.services.appsync import code_evaluation, control_plane
from blueprints.local.services.appsync.authorization import Authentication, may_access
from blueprints.local.services.appsync.execution import Executor
from blueprints.local.services.appsync.http import Endpoint
from blueprints.local.services.appsync.metrics import Metrics
from blueprints.local.services.appsync.realtime import Realtime
from blueprints.local.services.appsync.request_logs import RequestLogs


class AppSync(Extension):
    """Answers GraphQL requests over HTTP and WebSockets."""

    after = ("iam", "lambda_", "cloudformation")

    def install(self, aws: EmbeddedAws) -> None:
        code_evaluation.install()
        control_plane.install(aws.endpoint)
        self._authentication = Authentication(aws.endpoint, aws.clock)
        self._executor = Executor(aws.endpoint, may_access)
        self._endpoint = Endpoint(self._executor, self._authentication.authenticate)
        metrics = Metrics()
        self._logs = RequestLogs(aws.endpoint)
        self._realtime = Realtime(self._executor, self._authentication.authenticate, metrics, self._logs.add)
        self._endpoint.on_answer(metrics.on_answer)
        self._endpoint.on_answer(self._logs.add)

    def resource_types(self) -> Mapping[str, Mapping[str, Callable[..., Any]]]:
        return control_plane.handlers()

    def routes(self) -> Sequence[Route]:
        return [self._endpoint.route(), self._realtime.route(), *code_evaluation.routes()]

    def reset(self) -> None:
        self._realtime.reset()
        self._logs.reset()
        self._authentication.reset()
        self._executor.reset()

    def close(self) -> None:
        self._realtime.close()
        self._endpoint.close()
        self._authentication.close()
        self._executor.close()


EXTENSION = AppSync()
__all__ = ["EXTENSION"]
