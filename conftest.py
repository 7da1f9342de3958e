"""Loads the plugin that lets the tests of several patterns run in one process."""

pytest_plugins = ("tests.patterns.active_pattern",)
