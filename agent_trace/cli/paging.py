"""The page of `agent-trace ui`: its port, its URL, the browser, with a sentence for what can go wrong."""

import errno
import socket
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from agent_trace.cli.console import is_terminal, say, tell
from agent_trace.cli.opening import opened, warnings_told
from agent_trace.errors import AgentTraceError, StoreError, StoreMissing

_NEEDED: Final = ("jinja2", "markupsafe", "starlette", "uvicorn")


def serve_page(directory: Path, host: str, port: int | None, *, token: bool, browser: bool) -> None:
    """Serve until Ctrl-C. Raises AgentTraceError when the port cannot be had, or a library is missing."""
    with _libraries_told():
        from agent_trace.viewer.serving import door_of, serve, urls

    listening = _listening(host, port)
    door = door_of(listening, host, token=token)
    with warnings_told():
        _read_news(directory)
        found = urls(door)
        say(f"The page on {directory}:")
        for url in found:
            say(f"  {url}")
        say("Whoever has the token sees everything." if door.token else "Only this machine reaches it.")
        say("Ctrl-C ends it.")
        sys.stdout.flush()
        if browser and is_terminal(sys.stdout):
            _open(found[0])
        serve(directory, listening, door)


def _listening(host: str, port: int | None) -> socket.socket:
    """A socket on the port; on the next free one if nobody minds."""
    from agent_trace.viewer.serving import PORT, listen, listen_after

    wanted = PORT if port is None else port
    try:
        return listen(host, wanted)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            what = error.strerror or str(error)
            raise AgentTraceError(f"{host} port {wanted} cannot be used: {what.lower()}") from error
    another = listen_after(host, wanted)
    if another is None:
        raise AgentTraceError(f"port {wanted} is in use, and so are those after it: name one with --port")
    try:
        _agree(wanted, another.getsockname()[1], chosen=port is not None)
    except BaseException:
        another.close()
        raise
    return another


def _agree(wanted: int, free: int, *, chosen: bool) -> None:
    """Have the other port accepted. Raises AgentTraceError when it is not."""
    refusal = AgentTraceError(f"port {wanted} is in use; {free} is free: agent-trace ui --port {free}")
    if is_terminal(sys.stdin) and is_terminal(sys.stdout):
        if not click.confirm(f"Port {wanted} is in use. Take {free}?", default=True):
            raise refusal
    elif chosen:
        raise refusal
    else:
        tell(f"port {wanted} is in use: {free} is taken instead")


def _read_news(directory: Path) -> None:
    """Bring the index up to date, with a progress bar; what cannot be read is for the page to say."""
    try:
        with opened(directory):
            pass
    except StoreMissing:
        tell("nothing is recorded there yet; the page will show it when it is.")
    except StoreError as error:
        tell(str(error))


def _open(url: str) -> None:
    try:
        browser = webbrowser.get()
    except webbrowser.Error:  # there is none here, and the URL was printed
        return
    # One that writes into this very terminal would be in the way of Ctrl-C.
    if type(browser) is not webbrowser.GenericBrowser:
        threading.Thread(target=browser.open, args=(url,), daemon=True).start()


@contextmanager
def _libraries_told() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in _NEEDED:
            raise
        raise AgentTraceError(
            f"the page needs {error.name}, which is not installed: pip install 'agent-trace[ui]'"
        ) from None
