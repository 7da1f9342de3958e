"""Event patterns: the JSON language in which EventBridge rules, archives and event source mappings select events.

`compiled(text)` checks a pattern and compiles it once; its `matches(event)` answers for each event. `read_event(text)`
reads the JSON text of an event with the facts that patterns ask for.

A pattern with the paths `detail.state` and `detail.size` matches an event in which each path has a value that its list
accepts. Values of one array element belong together: in a list of objects, all of them come from the same object.

    grammar, operators, ranges, pattern_json   read the text of a pattern and check it
    values                                     what the list of a field accepts
    addresses, letter_case, wildcards          compare texts
    reading, numbers                           read the text of an event
    paths, direct, searching, compiled         match an event: in one walk, or by a search where that cannot tell

Pairs of patterns and events were judged by AWS's own library (software.amazon.event.ruler 2.1.0). Its verdicts
are in `tests/local/event_patterns/verdicts.json`.
"""

from blueprints.local.base.event_patterns.compiled import LONGEST, CompiledPattern, compiled, refusal
from blueprints.local.base.event_patterns.reading import read_event
from blueprints.local.base.event_patterns.refused import InvalidPattern

__all__ = ["LONGEST", "CompiledPattern", "InvalidPattern", "compiled", "read_event", "refusal"]
