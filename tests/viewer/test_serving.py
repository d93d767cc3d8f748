"""The page on a real port: who gets which port, which URLs are told, and how it ends."""

import http.client
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from agent_trace.viewer.serving import PORT, door_of, listen, listen_after, urls
from tests.support.cli import clean_environment, desk_store, run_process


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def page(*arguments: str, cwd: Path, **options) -> Iterator["subprocess.Popen[str]"]:
    """`agent-trace ui` in a process of its own, which is ended with the block if it has not ended by itself."""
    command = [sys.executable, "-m", "agent_trace", "ui", "--no-browser", *arguments]
    options = {"stdin": subprocess.DEVNULL, "env": clean_environment(), **options}
    with subprocess.Popen(
        command, cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def url_of(process: "subprocess.Popen[str]") -> str:
    """The first URL that is printed."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://\S+", line):
            return found[0]
    raise AssertionError(process.communicate())


def get(url: str, path: str = "/") -> int:
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_it_answers_under_the_printed_url_until_ctrl_c(tmp_path: Path) -> None:
    store = desk_store(tmp_path / "store")
    with page("--port", "0", "--store", str(store), cwd=tmp_path) as process:
        url = url_of(process)
        assert url.startswith("http://127.0.0.1:")
        assert (get(url), get(url, "/traces.json"), get(url, "/nothing")) == (200, 200, 404)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=20)
        assert (process.returncode, said[1]) == (0, "")


def test_ctrl_c_while_a_page_is_open_is_as_clean(tmp_path: Path) -> None:
    with page("--port", "0", "--store", str(tmp_path / "store"), cwd=tmp_path) as process:
        where = urlsplit(url_of(process))
        with socket.create_connection((where.hostname or "", where.port or 0), timeout=10) as kept:
            kept.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert kept.recv(12) == b"HTTP/1.1 200"
            process.send_signal(signal.SIGINT)
            assert "Traceback" not in process.communicate(timeout=20)[1]
        assert process.returncode == 0


def test_an_empty_directory_is_said_and_served(tmp_path: Path) -> None:
    with page("--port", "0", "--store", str(tmp_path / "store"), cwd=tmp_path) as process:
        assert get(url_of(process)) == 200
        process.send_signal(signal.SIGINT)
        assert "nothing is recorded there yet" in process.communicate(timeout=20)[1]
    assert not (tmp_path / "store").exists()


def test_a_busy_port_that_was_named_is_refused_with_the_next_free_one(tmp_path: Path, taken: int) -> None:
    done = run_process("ui", "--port", str(taken), cwd=tmp_path, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (1, "")
    found = re.fullmatch(
        rf"agent-trace: port {taken} is in use; (\d+) is free: agent-trace ui --port \1\n", done.stderr
    )
    assert found is not None and int(found[1]) > taken


@pytest.mark.parametrize("answer", ["n", ""])
def test_a_person_is_asked_whether_the_next_free_port_will_do(
    tmp_path: Path, taken: int, answer: str
) -> None:
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "agent_trace", "ui", "--no-browser", "--port", str(taken)]
    terminal = {"stdin": slave, "stdout": slave, "stderr": slave, "env": clean_environment()}
    with subprocess.Popen(command, cwd=tmp_path, **terminal) as process:
        try:
            seen = read_until(master, "[Y/n]")
            assert f"Port {taken} is in use. Take " in seen
            os.write(master, f"{answer}\n".encode())
            if answer == "n":
                assert "is free: agent-trace ui --port" in read_until(master, "--port")
                assert process.wait(20) == 1
            else:
                assert get(re.findall(r"http://\S+", read_until(master, "Ctrl-C"))[0]) == 200
                process.send_signal(signal.SIGINT)
                assert process.wait(20) == 0
        finally:
            process.kill()
            os.close(master)
            os.close(slave)


def read_until(master: int, words: str) -> str:
    seen = ""
    while words not in seen:
        assert select.select([master], [], [], 20)[0], f"no {words!r} came, but {seen!r}"
        seen += os.read(master, 65_536).decode()
    return seen


def test_the_next_free_port_is_looked_for_nearby(taken: int) -> None:
    found = listen_after("127.0.0.1", taken - 1)
    assert found is not None
    with found:
        assert taken < found.getsockname()[1] < taken + 50
    assert listen_after("127.0.0.1", 65_535) is None
    assert 1024 < PORT < 49_152


def test_an_address_of_another_machine_is_refused_in_words(tmp_path: Path) -> None:
    done = run_process("ui", "--host", "192.0.2.7", cwd=tmp_path)
    assert done.returncode == 1
    assert (
        done.stderr == f"agent-trace: 192.0.2.7 port {PORT} cannot be used: cannot assign requested address\n"
    )


def test_what_others_reach_asks_for_a_token_and_this_machine_does_not() -> None:
    for host, wide in (("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True)):
        with listen(host, 0) as listening:
            door = door_of(listening, host)
            assert (door.token is not None) is wide
            assert all(("?token=" in url) is wide for url in urls(door))
    with listen("127.0.0.1", 0) as listening:
        first, second = (door_of(listening, "127.0.0.1", token=True).token for _ in range(2))
        assert first and second and first != second and len(first) >= 32


def test_the_first_url_leads_here_from_this_machine() -> None:
    with listen("0.0.0.0", 0) as listening:
        found = urls(door_of(listening, "0.0.0.0"))
        port = listening.getsockname()[1]
        assert found[0].startswith(f"http://127.0.0.1:{port}/?token=")


def test_a_missing_library_is_told_with_how_to_install_it(tmp_path: Path) -> None:
    (tmp_path / "uvicorn.py").write_text("raise ModuleNotFoundError('no', name='uvicorn')")
    environment = clean_environment()
    environment["PYTHONPATH"] = f"{tmp_path}:{environment['PYTHONPATH']}"
    done = run_process("ui", cwd=tmp_path, env=environment)
    assert done.returncode == 1
    assert done.stderr == (
        "agent-trace: the page needs uvicorn, which is not installed: pip install 'agent-trace[ui]'\n"
    )
