"""Loads the plugins that let the tests of several patterns run in one process, and that spread tests over processes."""

pytest_plugins = ("tests.patterns.active_pattern", "tests.scheduling")
