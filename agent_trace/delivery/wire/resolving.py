"""Addresses of a host, within a time: the system's resolver knows no deadline, and may hang for minutes."""

import socket
import threading
from typing import Any, TypeAlias

AddressInfo: TypeAlias = tuple[Any, ...]
"""One item of what `socket.getaddrinfo` gives."""


class Resolver:
    """Asks for one name at a time, in a thread that may hang for as long as it likes: nobody waits for its end."""

    def __init__(self) -> None:
        self._lookups: dict[tuple[str, int], _Lookup] = {}

    def addresses(self, host: str, port: int, within_s: float) -> list[AddressInfo]:
        """The addresses of a host. Raises OSError or UnicodeError when it has none, or none was told in time.

        A question that was not answered in time is not asked a second time while the answer may still come: in a
        forked child it cannot.
        """
        try:
            return _ask(host, port, socket.AI_NUMERICHOST)
        except socket.gaierror:
            pass  # a name, and no address
        key = host, port
        lookup = self._lookups.get(key)
        if lookup is None or not (lookup.is_alive() or lookup.is_answered):
            lookup = self._lookups[key] = _Lookup(host, port)
            if not lookup.begin():
                del self._lookups[key]
                return _ask(host, port)
        lookup.join(within_s)
        if not lookup.is_answered:
            raise OSError(f"the name {host} was not looked up within {within_s:.1f} s")
        del self._lookups[key]
        return lookup.answer()


class _Lookup(threading.Thread):
    def __init__(self, host: str, port: int) -> None:
        super().__init__(name="agent_trace-resolver", daemon=True)
        self._asked = host, port
        self._found: list[AddressInfo] = []
        self._error: OSError | UnicodeError | None = None
        self.is_answered = False

    def begin(self) -> bool:
        """Start; False while the interpreter shuts down, which lets no thread begin, and waits for none either."""
        try:
            self.start()
        except RuntimeError:
            return False
        return True

    def run(self) -> None:
        try:
            self._found = _ask(*self._asked)
        except (OSError, UnicodeError) as error:
            self._error = error
        self.is_answered = True

    def answer(self) -> list[AddressInfo]:
        if self._error is not None:
            raise self._error
        return self._found


def _ask(host: str, port: int, flags: int = 0) -> list[AddressInfo]:
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags))
