"""The page's place on the network: a port of its own, a server on it until Ctrl-C, and the URLs that lead there."""

import errno
import ipaddress
import secrets
import socket
from pathlib import Path
from typing import Final

import uvicorn

from agent_trace.viewer.app import application
from agent_trace.viewer.guarding import ANY_ADDRESS, Door

PORT: Final = 7411
"""Where the page is unless another port is named."""

_TRIES: Final = 50
_LAST_PORT: Final = 65_535
_PATIENCE_S: Final = 2


def listen(host: str, port: int) -> socket.socket:
    """A socket on this address, listening; any free port for 0. Raises OSError."""
    family, kind, protocol, _, address = sorted(
        socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM), key=lambda found: found[0]
    )[0]
    listening = socket.socket(family, kind, protocol)
    try:
        # Without it the port of a page that just ended could not be had for a minute.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()
    except OSError:
        listening.close()
        raise
    return listening


def listen_after(host: str, port: int) -> socket.socket | None:
    """A socket on the next free port after this one; None when there is none nearby."""
    for another in range(port + 1, min(port + 1 + _TRIES, _LAST_PORT + 1)):
        try:
            return listen(host, another)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return None


def door_of(listening: socket.socket, host: str, *, token: bool = False) -> Door:
    """Who may come in there: everybody on this machine, or who has the token where others reach it as well."""
    address, port = listening.getsockname()[:2]
    wide = not ipaddress.ip_address(address.partition("%")[0]).is_loopback
    return Door(host, port, secrets.token_urlsafe(24) if wide or token else None)


def urls(door: Door) -> list[str]:
    """Where the page is reached; from this machine first."""
    names = ["127.0.0.1", socket.gethostname()] if door.host in ANY_ADDRESS else [door.host]
    query = f"?token={door.token}" if door.token else ""
    return [f"http://{f'[{name}]' if ':' in name else name}:{door.port}/{query}" for name in names]


def serve(directory: Path, listening: socket.socket, door: Door) -> None:
    """Answer until Ctrl-C."""
    config = uvicorn.Config(
        application(directory, door, warmed=True),
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        # Nobody in front of us is believed about who asks.
        proxy_headers=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=_PATIENCE_S,
    )
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:  # the one way to end it, and no failure
        pass
    finally:
        listening.close()
