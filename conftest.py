"""Loads the plugins that let the tests of several patterns run in one process, that spread tests over
processes, and that let what tests start hear SIGINT.
"""

pytest_plugins = ("tests.patterns.active_pattern", "tests.scheduling", "tests.interrupts")
