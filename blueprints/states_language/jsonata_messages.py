"""Puts the library's errors into the words of the JSONata reference implementation, which are those of AWS.

The codes are the same in both. Where the library leaves out what the reference names, it is found in the expression.
"""

import re
from collections.abc import Callable, Sequence

_SYMBOLS = {
    "LPAREN": "(",
    "RPAREN": ")",
    "LBRACKET": "[",
    "RBRACKET": "]",
    "LBRACE": "{",
    "RBRACE": "}",
    "COMMA": ",",
    "COLON": ":",
    "SEMICOLON": ";",
    "PIPE": "|",
}
_POSITION = re.compile(r"^(?:[A-Z]\d{4}: )?(.*?)(?: \(position \d+\))?$", re.DOTALL)
_EXPECTED = re.compile(r"Expected (\w+) but (?:reached end|found (\w+) \('(.*)'\))", re.DOTALL)
_OPERATOR = re.compile(r"(side of the) (\S+) (operator)")
_ARGUMENT = re.compile(r"(Argument \d+) of function (?:is not|does not)")
_ARRAY = re.compile(r"(Argument \d+) of function must be an array of (\w+)")
_CAST = re.compile(r"\$number: unable to cast value to a number: (.*)", re.DOTALL)
_SUM = re.compile(r"\$(\w+) requires an array of (\w+)")


def reworded(code: str | None, message: str, functions: Sequence[str] = (), symbol: str = "") -> str:
    """Return the message. `functions` are those that the expression calls, `symbol` is where its parsing ended."""
    found = _POSITION.match(message)
    plain = found[1] if found else message
    if code == "S0211" and symbol:
        return f'The symbol "{symbol}" cannot be used as a unary operator'
    rewrite = _REWRITES.get(code or "")
    return rewrite(plain, functions[0] if len(functions) == 1 else None) if rewrite else plain


def _token(name: str, text: str) -> str:
    return _SYMBOLS.get(name, text)


def _unterminated_string(_: str, __: str | None) -> str:
    return "String literal must be terminated by a matching quote"


def _expected(message: str, _: str | None) -> str:
    found = _EXPECTED.match(message)
    if found is None:
        return message
    wanted = f'Expected "{_token(found[1], found[1])}"'
    return f"{wanted} before end of expression" if found[2] is None else f'{wanted}, got "{_token(found[2], found[3])}"'


def _operator(message: str, _: str | None) -> str:
    return _OPERATOR.sub(r'\1 "\2" \3', message)


def _signature(message: str, function: str | None) -> str:
    found = _ARGUMENT.match(message)
    return f'{found[1]} of function "{function}" does not match function signature' if found and function else message


def _array(message: str, function: str | None) -> str:
    if (found := _SUM.match(message)) is not None:
        return f'Argument 1 of function "{found[1]}" must be an array of "{found[2]}"'
    found = _ARRAY.match(message)
    return f'{found[1]} of function "{function}" must be an array of "{found[2]}"' if found and function else message


def _not_a_function(_: str, __: str | None) -> str:
    return "Attempted to invoke a non-function"


def _number(message: str, _: str | None) -> str:
    found = _CAST.match(message)
    return f'Unable to cast value to a number: "{found[1]}"' if found else message


_REWRITES: dict[str, Callable[[str, str | None], str]] = {
    "S0101": _unterminated_string,
    "S0202": _expected,
    "S0203": _expected,
    "D3030": _number,
    "T0410": _signature,
    "T0412": _array,
    "T1006": _not_a_function,
    "T2001": _operator,
    "T2002": _operator,
}
