"""How deeply the brackets of a GraphQL text are nested, without parsing it.

A parser's own limit is the size of Python's stack, which depends on the process.
"""

import re

_QUOTED = re.compile(r'"""(?:\\"""|(?!""").)*"""|"(?:[^"\\\n]|\\.)*"|#[^\n]*', re.DOTALL)
_BRACKET = re.compile(r"[{}()\[\]]")


def nesting(text: str) -> int:
    """The number of brackets that are open at the same time, at most; those in strings and comments do not count."""
    depth = most = 0
    for bracket in _BRACKET.finditer(_QUOTED.sub("", text)):
        depth += 1 if bracket.group() in "{([" else -1
        most = max(most, depth)
    return most
