"""Connections that end at a moment, whatever the other side does.

A timeout of `requests` starts anew with every byte that arrives, and with every address that a name has, and does not
hold for looking up the name. Here all of them share one moment, so that a server that sends one byte a second holds
nobody up.
"""

import io
import socket
import time
from typing import Any, Final

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from agent_trace.delivery.wire.resolving import AddressInfo, Resolver

_SEND_STEP_BYTES: Final = 1 << 20


class Deadline:
    """The moment at which an exchange has to be over; shared by all connections of one `Posting`."""

    def __init__(self) -> None:
        self._end_s = 0.0

    def start(self, timeout_s: float) -> None:
        """Begin an exchange that may take so long."""
        self._end_s = time.monotonic() + timeout_s

    def left_s(self) -> float:
        """Seconds that are left, more than 0. Raises TimeoutError when there are none."""
        left_s = self._end_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("timed out")
        return left_s


class BoundedSocket:
    """A connected socket, plain or TLS, whose sending and receiving end at the deadline."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._connected = connected
        self._deadline = deadline

    def sendall(self, content: Any) -> None:
        """Send all, or raise TimeoutError; a TLS socket's own `sendall` begins its timeout anew with each piece."""
        rest = memoryview(content).cast("B")
        while rest:
            self._connected.settimeout(self._deadline.left_s())
            rest = rest[self._connected.send(rest[:_SEND_STEP_BYTES]) :]

    def makefile(self, mode: str = "rb", buffering: int | None = None) -> io.BufferedReader:
        """What an HTTP response is read from."""
        raw = self._connected.makefile("rb", buffering=0)
        return io.BufferedReader(_BoundedReader(raw, self._connected, self._deadline))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connected, name)


class _BoundedReader(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, connected: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._raw = raw
        self._connected = connected
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._connected.settimeout(self._deadline.left_s())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        # The socket's own file object has to be closed: it is what keeps the descriptor open.
        self._raw.close()
        super().close()


class BoundedAdapter(HTTPAdapter):
    """What `requests` opens its connections with. `opened` counts them."""

    def __init__(self, deadline: Deadline, resolver: Resolver) -> None:
        self.opened = 0
        self._pool_classes = self._bounded(deadline, resolver)
        super().__init__(max_retries=0, pool_connections=2, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pool_classes

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        """Make the pools of connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self._pool_classes
        return manager

    def _bounded(self, deadline: Deadline, resolver: Resolver) -> dict[str, Any]:
        """Pools, whose connections know the deadline: urllib3 hands them nothing that it does not know itself."""
        adapter = self

        class Bounded:
            sock: Any
            timeout: Any
            host: str
            port: int

            def _new_conn(self) -> socket.socket:
                addresses = resolver.addresses(self.host, self.port, deadline.left_s())
                return _connected(self.host, addresses, deadline)

            def connect(self) -> None:
                adapter.opened += 1
                self.timeout = deadline.left_s()
                super().connect()  # type: ignore[misc]
                self.sock = BoundedSocket(self.sock, deadline)

        class Plain(Bounded, HTTPConnection):
            pass

        class Encrypted(Bounded, HTTPSConnection):
            pass

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class EncryptedPool(HTTPSConnectionPool):
            ConnectionCls = Encrypted

        return {"http": PlainPool, "https": EncryptedPool}


def _connected(host: str, addresses: list[AddressInfo], deadline: Deadline) -> socket.socket:
    """A socket to the first of a host's addresses that answers, all of them together within the deadline."""
    failure: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in addresses:
        connecting = socket.socket(family, kind, protocol)
        try:
            connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connecting.settimeout(deadline.left_s())
            connecting.connect(address)
        except OSError as error:
            connecting.close()
            failure = error
        else:
            return connecting
    raise failure
