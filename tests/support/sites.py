"""`agent-trace ui` on a store, as a process of its own: where it answers, and what it answers without a browser."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tests.support.cli import ROOT, clean_environment

_URL: Final = re.compile(r"https?://[\w.\[\]:-]+:\d+/?\S*")
_START_S: Final = 30


@dataclass(frozen=True)
class Answer:
    """What came back of one request."""

    status: int
    headers: dict[str, str]
    """Names in small letters."""
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True)
class Site:
    """A running page. `url` has no slash at its end; `printed_url` is what the command said, token and all."""

    store: Path
    url: str
    printed_url: str
    process: "subprocess.Popen[bytes]" = field(repr=False)

    def get(self, path: str, *, method: str = "GET", body: str | None = None, **headers: str) -> Answer:
        """Ask as any program can; `_` in names of headers stands for `-`, `Host` is the site's if it is not given."""
        where = urlsplit(self.url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=120)
        try:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            told = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, told, response.read())
        finally:
            connection.close()

    def json(self, path: str) -> Any:
        """The content of a page, as its `.json` gives it."""
        answer = self.get(path)
        assert answer.status == 200, (path, answer)
        return json.loads(answer.body)

    def trace_id(self, name: str) -> str:
        """Id of the newest trace of this name."""
        found = [row["trace_id"] for row in self.json("/traces.json")["traces"] if row["name"] == name]
        assert found, f"no trace {name!r}"
        return str(found[0])


@contextmanager
def site(store: Path, *arguments: str, **variables: str) -> Iterator[Site]:
    """The page on a store, on a free port, until the end of the block; then Ctrl-C, which has to end it well."""
    log = store.parent / f"{store.name}-page-{os.getpid()}-{time.monotonic_ns()}.log"
    command = [
        sys.executable,
        "-m",
        "agent_trace",
        "ui",
        "--no-browser",
        "--port",
        "0",
        "--store",
        str(store),
    ]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=clean_environment(**variables),
        )
    try:
        printed = _printed_url(process, log)
        where = urlsplit(printed)
        port = f"127.0.0.1:{where.port}"
        yield Site(store, f"http://{port}", printed, process)
        said = _interrupted(process, log)
        assert process.returncode == 0, f"after Ctrl-C: {process.returncode}\n{said}"
        assert "Traceback" not in said, said[-3000:]
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _printed_url(process: "subprocess.Popen[bytes]", log: Path) -> str:
    end_s = time.monotonic() + _START_S
    while time.monotonic() < end_s:
        if found := _URL.search(log.read_text(encoding="utf-8")):
            return found[0]
        assert process.poll() is None, f"the page ended with {process.returncode}:\n{log.read_text()}"
        time.sleep(0.02)
    raise AssertionError(f"no URL within {_START_S} s:\n{log.read_text()}")


def _interrupted(process: "subprocess.Popen[bytes]", log: Path) -> str:
    process.send_signal(signal.SIGINT)
    process.wait(15)
    return log.read_text(encoding="utf-8")


@contextmanager
def recording(store: Path, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A program that records into the store, `tests.support.many_calls` with these arguments; killed at the end."""
    environment = clean_environment(AGENT_TRACE_DIR=str(store), AGENT_TRACE_QUIET="1")
    command = [sys.executable, "-m", "tests.support.many_calls", *arguments]
    process = subprocess.Popen(
        command, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        process.stdout.readline()  # it has begun
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
