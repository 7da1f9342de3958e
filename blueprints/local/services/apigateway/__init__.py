"""API Gateway of templates: routes from OpenAPI bodies; functions are invoked only if their policy allows it."""

from blueprints.local.base.extension import EmbeddedAws, Extension
from blueprints.local.services.apigateway import (
    http_actions,
    http_apis,
    lambda_integrations,
    metrics,
    preflights,
    rest_apis,
    service_integrations,
)


class ApiGateway(Extension):
    """Replaces the base emulator's import of definitions and its invocation of functions."""

    def install(self, aws: EmbeddedAws) -> None:
        http_apis.install()
        rest_apis.install()
        lambda_integrations.install()
        service_integrations.install(aws.endpoint)
        http_actions.install(aws.endpoint)
        preflights.install()
        metrics.install()


EXTENSION = ApiGateway()
