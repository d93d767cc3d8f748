"""One browser for all tests of a worker, and the stores that they look at, each made once."""

import fcntl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.browser import Browser, browser
from tests.support.cli import ROOT, clean_environment
from tests.support.sites import Site, recording, site

Make = Callable[[Path], None]


@pytest.fixture(scope="session")
def opened_browser() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def window(opened_browser: Browser) -> Browser:
    """The browser as a new visitor has it."""
    opened_browser.fresh()
    return opened_browser


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of a run share."""
    folder = tmp_path_factory.getbasetemp()
    return folder if worker_id == "master" else folder.parent


@pytest.fixture(scope="session")
def demo(shared: Path) -> Iterator[Site]:
    """The page on what `agent-trace demo` records."""
    with site(_made_once(shared / "demo", lambda store: _run(store, "-m", "agent_trace", "demo"))) as running:
        yield running


@pytest.fixture(scope="session")
def hostile(shared: Path) -> Iterator[Site]:
    """The page on a store in which every word was chosen to harm."""
    with site(_made_once(shared / "hostile", _record_hostile)) as running:
        yield running


@pytest.fixture(scope="session")
def marathon(shared: Path) -> Iterator[Site]:
    """The page on one trace of 10,000 observations."""
    with site(_made_once(shared / "marathon", _record_marathon)) as running:
        yield running


@pytest.fixture(scope="session")
def empty(shared: Path) -> Iterator[Site]:
    """The page on a directory in which nothing was recorded."""
    with site(_made_once(shared / "empty", lambda store: store.mkdir(exist_ok=True))) as running:
        yield running


@pytest.fixture(scope="session")
def unfinished(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The page on a trace that is still running and one whose process was killed."""
    store = tmp_path_factory.mktemp("unfinished") / "store"
    with ExitStack() as stack:
        killed = stack.enter_context(recording(store, "wait", "the killed one"))
        killed.kill()
        killed.wait()
        stack.enter_context(recording(store, "wait", "the running one"))
        yield stack.enter_context(site(store))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where a store of a test's own goes."""
    return tmp_path / "store"


@pytest.fixture
def record() -> Callable[..., "contextmanager[subprocess.Popen[bytes]]"]:
    """Runs `tests.support.many_calls` with its arguments beside the test."""
    return recording


def _made_once(store: Path, make: Make) -> Path:
    store.parent.mkdir(parents=True, exist_ok=True)
    done = store.with_suffix(".made")
    with store.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            make(store)
            done.touch()
    return store


def _record_hostile(store: Path) -> None:
    _run(store, "-m", "tests.support.hostile_calls", AGENT_TRACE_MAX_FIELD_BYTES="8MiB")


def _record_marathon(store: Path) -> None:
    _run(store, "-m", "tests.support.many_calls", "trace", "10000")


def _run(store: Path, *arguments: str, **variables: str) -> None:
    environment = clean_environment(AGENT_TRACE_DIR=str(store), **variables)
    command = [sys.executable, *arguments]
    ran = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
