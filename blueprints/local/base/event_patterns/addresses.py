"""IP addresses and blocks of them (`cidr`).

Addresses are compared as AWS's library does, by the hexadecimal digits that both have. So `0.0.0.0/0` also accepts IPv6
addresses, and a block of IPv4 accepts IPv6 addresses that start with its digits. An IPv6 address that maps an IPv4
address is that IPv4 address, the octets of an IPv4 address are decimal, and a block may be written with any of its
addresses.
Source: software.amazon.event.ruler 2.1.0, CIDR and ByteMachine. There a block accepts some numbers, too, by the digits
of their texts; here none.
"""

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

from blueprints.local.base.event_patterns.refused import InvalidPattern

_IPV4 = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")
_IPV6 = re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*")
_MASK = re.compile(r"[+-]?[0-9]{1,9}")
_LARGEST_OCTET = 255


def digits(text: str) -> str | None:
    """The hexadecimal digits of an IP address, 8 or 32; None if the text is no address."""
    found = _address(text)
    return None if found is None else found.packed.hex()


def same_address(wanted: str) -> Callable[[str], bool]:
    """Whether a text is the address with these digits, in any spelling."""
    return _between(wanted, wanted)


def within(block: str) -> Callable[[str], bool]:
    """Whether a text is an address in a block such as `10.0.0.0/24`. Raises InvalidPattern if the block is invalid."""
    base, mask = _parts(block)
    start = _address(base)
    if start is None:
        looks_valid = _IPV4.fullmatch(base) or _IPV6.fullmatch(base)
        raise InvalidPattern(f"{'Invalid' if looks_valid else 'Nonstandard'} IP address: {base}")
    if mask >= start.max_prefixlen:
        raise InvalidPattern(f"IPv{start.version} mask bits must be < {start.max_prefixlen}")
    variable = (1 << start.max_prefixlen - mask) - 1
    size = start.max_prefixlen // 4
    return _between(f"{int(start) & ~variable:0{size}x}", f"{int(start) | variable:0{size}x}")


def _between(lowest: str, highest: str) -> Callable[[str], bool]:
    def is_between(text: str) -> bool:
        found = (digits(text) or "")[: len(lowest)]
        if len(found) < len(lowest) and highest.startswith(found):
            return False
        return lowest <= found <= highest

    return is_between


def _address(text: str) -> IPv4Address | IPv6Address | None:
    if _IPV4.fullmatch(text):
        octets = [octet.lstrip("0") or "0" for octet in text.split(".")]
        valid = all(len(octet) <= len(str(_LARGEST_OCTET)) and int(octet) <= _LARGEST_OCTET for octet in octets)
        return IPv4Address(".".join(octets)) if valid else None
    if not _IPV6.fullmatch(text):
        return None
    try:
        found = IPv6Address(text)
    except ValueError:
        return None
    return found.ipv4_mapped or found


def _parts(block: str) -> tuple[str, int]:
    base, slash, mask = block.partition("/")
    if not slash or not mask or "/" in mask:
        raise InvalidPattern("Malformed CIDR, one '/' required")
    if not _MASK.fullmatch(mask):
        raise InvalidPattern("Malformed CIDR, mask bits must be an integer")
    if int(mask) < 0:
        raise InvalidPattern("Malformed CIDR, mask bits must not be negative")
    return base, int(mask)
