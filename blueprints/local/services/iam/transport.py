"""Counts every request as sent over TLS, as policies that deny `aws:SecureTransport: false` demand.

Loopback stands for AWS's endpoints here, which the SDKs reach over TLS alone; the handlers' code has no say in it. So
a bucket or queue that lets in TLS only works as deployed. Whether a client of yours would use TLS can't be seen here.
"""

from contextvars import ContextVar

from blueprints.local.base.internals import Internal

ORIGIN = Internal("core.iam_evaluator", "_request_origin")
PIN = Internal("app", "pin_request_origin", ("source_ip", "secure_transport"))


def install() -> None:
    """Replace what the base emulator remembers of a request's origin, for requests and for its own deliveries."""
    origin: ContextVar[tuple[str, bool]] = ContextVar("request_origin", default=("127.0.0.1", True))

    def pin(source_ip: str, secure_transport: bool) -> None:  # noqa: ARG001 - the internal's signature
        origin.set((source_ip, True))

    ORIGIN.replace(origin)
    PIN.replace(pin)
