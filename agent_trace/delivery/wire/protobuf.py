"""OTLP's wire format: attributes, resources and requests as protobuf bytes, written directly.

A protobuf message may be put together from encoded fields in any order. So what many spans have in common (a
resource, an agent, a model) is encoded once and joined in, where message objects would be built anew for each.
Field numbers are those of opentelemetry-proto; tests decode what is written here with that package.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

Scalar: TypeAlias = str | bool | int | float
Value: TypeAlias = Scalar | bytes | Sequence[Scalar]

_MOST_PREFIXES: Final = 10_000
_INT64: Final = range(-(1 << 63), 1 << 63)
_ONE_BYTE: Final = [bytes((number,)) for number in range(128)]
_SPAN_ATTRIBUTE: Final = b"\x4a"
_prefixes: dict[str, bytes] = {}


def varint(number: int) -> bytes:
    """An integer from 0 to 2**64 - 1."""
    if number < 128:
        return _ONE_BYTE[number]
    if number < 16_384:
        return bytes((number & 127 | 128, number >> 7))
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def field(tag: bytes, content: bytes) -> bytes:
    """A field that has a length: text, bytes, or a message."""
    return b"".join((tag, varint(len(content)), content))


def utf8(text: str) -> bytes:
    """Text as protobuf demands it: half of a surrogate pair, which no decoder takes, becomes a question mark."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def text_attribute(key: str, content: bytes) -> bytes:
    """A span's attribute whose value is text, given in UTF-8."""
    prefix = _prefixes.get(key) or _prefix(key)
    length = len(content)
    whole = len(prefix) + length + 3
    if whole < 128:  # each of the three lengths is one byte
        return b"\x4a%c%b%c\x0a%c%b" % (whole, prefix, length + 2, length, content)
    return text_head(key, length) + content


def text_head(key: str, length: int) -> bytes:
    """What stands before the text in such an attribute. A long text itself is copied only once, into the request."""
    prefix = _prefixes.get(key) or _prefix(key)
    whole, value = len(prefix) + length + 5, length + 3
    if length > 127 and whole < 16_384:  # each of the three lengths is two bytes
        low, value_low, length_low = whole & 127 | 128, value & 127 | 128, length & 127 | 128
        heads = low, whole >> 7, prefix, value_low, value >> 7, length_low, length >> 7
        return b"\x4a%c%c%b%c%c\x0a%c%c" % heads
    size = varint(length)
    value_size = varint(length + 1 + len(size))
    whole += len(value_size) + len(size) - 4
    return b"\x4a%b%b%b\x0a%b" % (varint(whole), prefix, value_size, size)


def attribute(key: str, value: Value) -> bytes:
    """A span's attribute of any kind; bytes are text that is in UTF-8 already."""
    if isinstance(value, str):
        return text_attribute(key, utf8(value))
    if isinstance(value, bytes):
        return text_attribute(key, value)
    return field(_SPAN_ATTRIBUTE, key_value(key, value))


def key_value(key: str, value: Value) -> bytes:
    """A KeyValue message."""
    return (_prefixes.get(key) or _prefix(key)) + _sized(_any_value(value))


def resource(attributes: Mapping[str, Value]) -> bytes:
    """A Resource message."""
    return b"".join(field(b"\x0a", key_value(key, value)) for key, value in attributes.items())


def scope(name: str, version: str, attributes: Mapping[str, Value]) -> bytes:
    """An InstrumentationScope message."""
    parts = [field(b"\x0a", utf8(name)), field(b"\x12", utf8(version))]
    return b"".join([*parts, *(field(b"\x1a", key_value(key, value)) for key, value in attributes.items())])


def event(name: str, time_ns: int, attributes: Mapping[str, Value]) -> bytes:
    """A span's event, as a field of the span."""
    parts = [b"\x09", struct.pack("<Q", time_ns), field(b"\x12", utf8(name))]
    parts += [field(b"\x1a", key_value(key, value)) for key, value in attributes.items()]
    return field(b"\x5a", b"".join(parts))


def request(scope_message: bytes, spans: Iterable[tuple[bytes, bytes]], schema_url: str = "") -> bytes:
    """An ExportTraceServiceRequest of (Resource, Span) messages, grouped by resource.

    Joined once, at the end: each copy of a megabyte costs as much as encoding a dozen spans.
    """
    schema = field(b"\x1a", utf8(schema_url)) if schema_url else b""
    grouped: dict[bytes, list[bytes]] = {}
    for resource_message, span in spans:
        group = grouped.get(resource_message)
        if group is None:
            group = grouped[resource_message] = []
        group += (b"\x12", varint(len(span)), span)
    whole: list[bytes] = []
    for resource_message, group in grouped.items():
        group += (field(b"\x0a", scope_message), schema)
        scope_bytes = sum(map(len, group))
        head = (field(b"\x0a", resource_message), schema, b"\x12", varint(scope_bytes))
        whole += (b"\x0a", varint(sum(map(len, head)) + scope_bytes), *head, *group)
    return b"".join(whole)


def _prefix(key: str) -> bytes:
    if len(_prefixes) >= _MOST_PREFIXES:
        _prefixes.clear()
    prefix = _prefixes[key] = field(b"\x0a", utf8(key)) + b"\x12"
    return prefix


def _sized(content: bytes) -> bytes:
    return varint(len(content)) + content


def _any_value(value: Value) -> bytes:
    if isinstance(value, str):
        return field(b"\x0a", utf8(value))
    if isinstance(value, bool):
        return b"\x10\x01" if value else b"\x10\x00"
    if isinstance(value, int):
        if value not in _INT64:
            return field(b"\x0a", utf8(hex(value)))
        return b"\x18" + varint(value % (1 << 64))
    if isinstance(value, bytes):
        return field(b"\x0a", value)
    if isinstance(value, float):
        return b"\x21" + struct.pack("<d", value)
    return field(b"\x2a", b"".join(field(b"\x0a", _any_value(each)) for each in value))
