"""Spreads the tests over processes: the tests of a module stay together, and what takes longest begins first.

The tests of a module share fixtures, such as a started embedded AWS, which two processes would make twice.
"""

import os
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_MOST_WORKERS = 12  # each takes about 400 MB with the processes that its tests start

_APART = (
    "tests/test_new.py",
    "tests/publish/test_story.py",
    "tests/test_patterns.py",
    "tests/patterns/stepfunctions-etl/test_schedules.py",
)
"""Modules of long tests with cheap fixtures: each test goes to the next free process."""

_LONGEST_FIRST = (
    "tests/test_new.py::test_sam_validates_and_builds_each_copy",
    "tests/patterns/glue-data-lake/test_lake_on_the_embedded_aws.py",
    "tests/publish/test_story.py",
    "tests/patterns/glue-data-lake/test_curated_tables.py",
    "tests/test_new.py",
    "tests/promises/test_agrees_with_cfn_lint.py",
    "tests/test_patterns.py::test_the_demo_plays_on_the_embedded_aws",
    "tests/test_rehearsals.py",
    "tests/test_cli.py",
    "tests/patterns/glue-data-lake/test_engines_alike.py",
    "tests/test_changing_a_copy.py",
    "tests/test_order_recovery.py",
    "tests/local/test_rds_data.py",
    "tests/patterns/stepfunctions-etl/test_schedules.py",
    "tests/patterns/stepfunctions-workflow/test_schedules.py",
    "tests/patterns/appsync-mobile/",
)
"""Starts of the names of what takes longest, so that no process is left with one of them when the others have ended."""


class ByModule(LoadScopeScheduling):
    """Gives a process the tests of one module after another, and tests of the modules in `_APART` one by one."""

    def _split_scope(self, nodeid: str) -> str:
        """Return the name that the tests of one unit of work have in common."""
        module = nodeid.split("::", 1)[0]
        return nodeid if module in _APART else module

    def remove_node(self, node: Any) -> str | None:
        """Take a process that has ended off the list, and return the test that ended it.

        xdist would give that test to the next process, which it would end too.
        """
        for tests in self.assigned_work.get(node, {}).values():
            for test, completed in tests.items():
                if not completed:
                    tests[test] = True
                    super().remove_node(node)
                    return str(test)
        ended: str | None = super().remove_node(node)
        return ended


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByModule | None:
    """Schedule by module for `--dist loadscope`; other values of the option keep xdist's own schedulers."""
    if config.getoption("dist") != "loadscope":
        return None
    config.option.loadscopereorder = False
    return ByModule(config, log)


def pytest_xdist_auto_num_workers() -> int:
    """Return the number of workers for `-n auto`: two per CPU, as many tests wait for other processes."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(2 * cpus, _MOST_WORKERS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first; the other tests keep their order."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    return next((rank for rank, name in enumerate(_LONGEST_FIRST) if item.nodeid.startswith(name)), len(_LONGEST_FIRST))
