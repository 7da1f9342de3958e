"""Makes aggregated records as the Kinesis Producer Library does."""

import hashlib


def aggregated(records):
    """Return the bytes of one record that holds user records, given as (partition key, data) pairs."""
    keys = list(dict.fromkeys(key for key, _ in records))
    message = b"".join(_field(1, key.encode()) for key in keys)
    for key, data in records:
        message += _field(3, b"\x08" + _varint(keys.index(key)) + _field(3, data))
    return b"\xf3\x89\x9a\xc2" + message + hashlib.md5(message).digest()


def _field(number, content):
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number):
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80]) + _varint(number >> 7)
