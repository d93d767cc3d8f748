"""The page on a store, asked in this process: what it answers over HTTP, without a browser and without a port."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from agent_trace.viewer.app import application
from agent_trace.viewer.guarding import Door


@contextmanager
def asked(directory: Path, door: Door | None = None, **options: Any) -> Iterator[TestClient]:
    """Requests to the page on the store in `directory`, which come from this machine unless they say otherwise."""
    options = {"base_url": "http://127.0.0.1", "follow_redirects": False, **options}
    with TestClient(application(directory, door), **options) as client:
        yield client
