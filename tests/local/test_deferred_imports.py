"""A module whose import is deferred runs once, completely, when it is first used."""

import importlib
import sys
import threading

import pytest

from blueprints.local.base.deferred_imports import Deferral, DeferredModule, load


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Imports a module of the given source with a deferral; returns the module. `ran` counts how often its code ran."""

    def make(source, name="deferred_example"):
        (tmp_path / f"{name}.py").write_text(f"import builtins\nbuiltins.ran.append(__name__)\n{source}")
        monkeypatch.setattr("builtins.ran", [], raising=False)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(sys, "meta_path", [Deferral(lambda each: each == name), *sys.meta_path])
        monkeypatch.delitem(sys.modules, name, raising=False)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    return make


def times_run():
    return len(sys.modules["builtins"].ran)


def test_a_module_runs_when_an_attribute_is_read(module):
    imported = module("value = 7")

    assert isinstance(imported, DeferredModule)
    assert times_run() == 0
    assert imported.value == 7
    assert type(imported) is type(sys)
    assert times_run() == 1


def test_a_name_that_the_module_lacks_is_an_attribute_error(module):
    imported = module("value = 7")

    with pytest.raises(AttributeError, match="other"):
        _ = imported.other
    assert imported.value == 7
    assert times_run() == 1


def test_from_imports_get_the_value(module):
    module("value = 7")
    namespace = {}

    exec("from deferred_example import value", namespace)

    assert namespace["value"] == 7


def test_a_module_that_imports_itself_sees_the_names_defined_so_far(module):
    imported = module("import deferred_example\nfirst = 1\nseen = hasattr(deferred_example, 'last')\nlast = 2")

    assert (imported.first, imported.seen, imported.last) == (1, False, 2)
    assert times_run() == 1


def test_resetting_an_unused_service_does_not_load_it(module):
    imported = module("def reset():\n    raise AssertionError")

    imported.reset()

    assert times_run() == 0


def test_loading_gives_the_real_reset(module):
    imported = module("def reset():\n    return 'emptied'")

    load(imported)

    assert imported.reset() == "emptied"


def test_an_error_in_the_code_is_raised_at_each_use(module):
    imported = module("raise ValueError('broken')")

    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            _ = imported.value


def test_a_name_from_before_the_error_is_no_value_either(module):
    imported = module("value = 7\nraise ValueError('broken')")

    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            _ = imported.value


def test_its_version_is_read_from_the_module(module):
    assert module("__version__ = '1.2'").__version__ == "1.2"


def test_threads_wait_until_the_module_is_complete(module, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()
    monkeypatch.setattr("builtins.halt", lambda: (begun.set(), go_on.wait(10)), raising=False)
    imported = module("def early():\n    return late\nhalt()\nlate = 2\ndef reset():\n    return 'emptied'")
    seen = []
    first, *others = [
        threading.Thread(target=lambda each=each: seen.append(each()))
        for each in (lambda: imported.late, lambda: imported.early(), lambda: imported.reset(), lambda: imported.late)
    ]

    first.start()
    assert begun.wait(10)
    for each in others:
        each.start()
    others[0].join(0.1)  # it would end with an error at once if it did not wait
    go_on.set()
    for each in (first, *others):
        each.join()

    assert sorted(seen, key=str) == [2, 2, 2, "emptied"]
    assert times_run() == 1


def test_other_modules_are_imported_at_once(module):
    module("value = 7")
    name = "colorsys"
    sys.modules.pop(name, None)

    assert type(importlib.import_module(name)) is type(sys)
