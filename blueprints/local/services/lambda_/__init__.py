"""Lambda: runs functions in execution environments of their own, with their limits, logs and event sources."""

from collections.abc import Sequence

from blueprints.local.base.extension import EmbeddedAws, Extension, Route
from blueprints.local.base.http import json_route
from blueprints.local.base.process import INITIALISE_PATH, LAYER_COPIES_PATH, RECENT_EVENTS_PATH
from blueprints.local.services.lambda_ import (
    actions,
    alias_routing,
    configuration,
    environment_keys,
    event_source_mappings,
    file_system,
    function_paths,
    initialisation,
    inline_code,
    invocation_threads,
    metrics,
    payload_limits,
    provisioning,
)
from blueprints.local.services.lambda_.asynchronous import AsynchronousInvocations, FunctionAsInvoked
from blueprints.local.services.lambda_.direct_invocations import LambdaResponse, invoke
from blueprints.local.services.lambda_.event_source_mappings import bad_filter as filter_refusal
from blueprints.local.services.lambda_.event_source_mappings import failed_messages, matching
from blueprints.local.services.lambda_.executor import Executor
from blueprints.local.services.lambda_.foreign_layers import ForeignLayers


class Lambda(Extension):
    """Replaces the base emulator's executor, its queue of events and its pollers of event sources."""

    after = ("dynamodb", "kinesis", "kms", "sqs")

    def install(self, aws: EmbeddedAws) -> None:
        self._executor = Executor(aws.folder, aws.endpoint, aws.clock)
        self._executor.install()
        alias_routing.install()
        actions.install()
        metrics.install()
        invocations = AsynchronousInvocations(self._executor, aws.endpoint, aws.clock)
        invocations.install()
        aws.offer(invocations)
        provisioning.install()
        self._mappings = event_source_mappings.install(self._executor, aws.endpoint, aws.clock)
        payload_limits.install()
        invocation_threads.install()
        function_paths.install()
        inline_code.install()
        configuration.install()
        environment_keys.install()
        self._layers = ForeignLayers()
        self._layers.install()

    def routes(self) -> Sequence[Route]:
        return [
            json_route(INITIALISE_PATH, lambda query, _: initialisation.initialise(self._executor, query["function"])),
            json_route(RECENT_EVENTS_PATH, lambda query, _: self._executor.recent_events(query["function"])),
            json_route(LAYER_COPIES_PATH, lambda query, content: self._layers.supply(query["arn"], content)),
        ]

    def notes(self) -> Sequence[str]:
        return file_system.notes()

    def reset(self) -> None:
        self._mappings.clear()
        self._executor.reset()
        self._layers.reset()

    def close(self) -> None:
        self._executor.close()


EXTENSION = Lambda()
__all__ = [
    "EXTENSION",
    "AsynchronousInvocations",
    "FunctionAsInvoked",
    "LambdaResponse",
    "failed_messages",
    "filter_refusal",
    "invoke",
    "matching",
]
