"""Bytes in a record: how many, and a hash to recognise them by. Never the content."""

from typing import Final

_HASHED_BYTES: Final = 65_536


def digest(value: object) -> str:
    """`<bytes: 1,234 bytes, sha256 9f86d081884c7d65>`; of long ones only the first 64 KiB are hashed.

    A megabyte takes milliseconds to hash, inside the caller's call.
    """
    from hashlib import sha256  # loads OpenSSL, and few programs pass bytes to a model

    view = memoryview(value).cast("B")  # type: ignore[arg-type]
    name = "memoryview" if type(value) is memoryview else type(value).__name__
    part = "" if view.nbytes <= _HASHED_BYTES else f" of the first {_HASHED_BYTES:,}"
    found = sha256(view[:_HASHED_BYTES]).hexdigest()[:16]
    return f"<{name}: {view.nbytes:,} bytes, sha256{part} {found}>"
