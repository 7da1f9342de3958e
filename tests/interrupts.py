"""Lets processes that tests start hear SIGINT, which a runner in the background of a shell inherits as ignored."""

import signal


def pytest_configure() -> None:
    """Take SIGINT as a runner in the foreground does: what this process starts inherits that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
