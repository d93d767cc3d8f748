"""Who is let in, what may be sent, and what every answer tells the browser."""

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from agent_trace.recording.journal.control import read_flag
from agent_trace.viewer.guarding import Door
from tests.support.asked import asked
from tests.support.cli import desk_store

TOKEN = "correct-horse-battery"
PATHS = ("/", "/traces.json", "/static/page.css", "/status", "/nothing")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return desk_store(tmp_path_factory.mktemp("desk") / "store")


@pytest.fixture(scope="module")
def client(directory: Path):
    with asked(directory) as client:
        yield client


@pytest.fixture
def wide(directory: Path):
    with asked(directory, Door("0.0.0.0", 7411, TOKEN), base_url="http://192.168.1.5:7411") as client:
        yield client


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example:7411",
        "",
        "[::1",
        "0.0.0.0",
    ],
)
def test_a_foreign_host_is_refused_everywhere(client: TestClient, host: str) -> None:
    for path in PATHS:
        answer = client.get(path, headers={"Host": host})
        assert answer.status_code == 421
        assert "trading" not in answer.text


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:7411", "127.0.0.1:9000", "[::1]:7411", "localhost."]
)
def test_this_machine_is_let_in_under_all_its_own_names(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


def test_a_host_that_was_asked_for_is_let_in_and_its_neighbour_is_not(directory: Path) -> None:
    with asked(directory, Door("desk.local", 7411, TOKEN), base_url="http://desk.local:7411") as client:
        assert client.get(f"/?token={TOKEN}").status_code == 303
        assert client.get("/", headers={"Host": "192.168.1.5"}).status_code == 421


def test_every_answer_says_what_the_browser_may_do_with_it(client: TestClient) -> None:
    answers = [client.get(path) for path in PATHS]
    answers += [client.get("/", headers={"Host": "evil.example"}), client.post("/"), client.get("/traces/zz")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "script-src 'self';" in policy and "unsafe-eval" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers


def test_pages_are_kept_by_no_cache(client: TestClient) -> None:
    assert {client.get(path).headers["cache-control"] for path in ("/", "/traces.json")} == {"no-store"}


def test_only_charts_may_set_styles(client: TestClient) -> None:
    assert "unsafe-inline" not in client.get("/").headers["content-security-policy"]
    policy = client.get("/costs").headers["content-security-policy"]
    assert "style-src 'self';" in policy and "style-src-elem 'self' 'unsafe-inline'" in policy


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_nothing_can_be_sent_to_a_page(client: TestClient, method: str) -> None:
    for path in PATHS:
        answer = client.request(method, path, headers={"Origin": "http://127.0.0.1"})
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_head_is_get_without_a_body(client: TestClient) -> None:
    answer = client.head("/")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e%2fpage.py",
        "/static/page.css%00",
        "/static//etc/passwd",
    ],
)
def test_no_path_in_a_url_reaches_the_file_system(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "import" not in answer.text


def test_without_the_token_nothing_is_told_on_a_wide_address(wide: TestClient) -> None:
    for path in (*PATHS, "/?token=", "/?token=wrong", f"/?token={TOKEN}x", "/traces.json?token=%00"):
        answer = wide.get(path)
        assert answer.status_code == 403
        assert "trading" not in answer.text


def test_the_token_is_kept_in_a_cookie_and_leaves_the_url(wide: TestClient) -> None:
    answer = wide.get(f"/agents?since=2h&token={TOKEN}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/agents?since=2h")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "samesite=strict" in cookie.lower()
    assert TOKEN not in answer.headers["location"]
    assert wide.get("/").status_code == 200  # the client kept the cookie


def test_another_cookie_beside_it_does_no_harm(wide: TestClient) -> None:
    cookies = f'strange={{"a":1}}; agent_trace_7411={TOKEN}; other=1'
    assert wide.get("/", headers={"Cookie": cookies}).status_code == 200
    assert wide.get("/", headers={"Cookie": "agent_trace_7411=wrong"}).status_code == 403


def test_a_link_from_another_website_gets_its_cookie_as_well(wide: TestClient) -> None:
    answer = wide.get(f"/?token={TOKEN}", headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.headers["refresh"]) == (200, "0; url=/")
    assert "set-cookie" in answer.headers


def test_the_token_leads_to_no_other_website(wide: TestClient) -> None:
    for path in (
        "//evil.example/",
        "/\\evil.example/",
        "/%5Cevil.example",
        "/%0d%0aSet-Cookie:a=b",
        "/\u2028/ü",
    ):
        for site, header in (("none", "location"), ("cross-site", "refresh")):
            url = f"http://192.168.1.5:7411{path}?token={TOKEN}"
            target = wide.get(url, headers={"Sec-Fetch-Site": site}).headers[header].removeprefix("0; url=")
            assert target.startswith("/") and not target.startswith(("//", "/\\"))
            assert target.isascii() and target.isprintable()


def switch_token(client: TestClient) -> str:
    found = re.search(r'name="token" value="([^"]+)"', client.get("/status").text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "null"},
        {},
    ],
)
def test_the_switch_switches_for_its_own_form(
    client: TestClient, directory: Path, headers: dict[str, str]
) -> None:
    for to in ("off", "on"):
        form = {"token": switch_token(client), "to": to}
        answer = client.post("/switch", data=form, headers=headers)
        assert (answer.status_code, answer.headers["location"]) == (303, "/status")
        assert read_flag(directory) is (to == "on")


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:8000"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:8000"},
    ],
)
def test_another_website_cannot_switch_even_with_the_token(
    client: TestClient, directory: Path, headers: dict[str, str]
) -> None:
    form = {"token": switch_token(client), "to": "off"}
    assert client.post("/switch", data=form, headers=headers).status_code == 403
    assert read_flag(directory) is not False


@pytest.mark.parametrize("form", [{}, {"to": "off"}, {"to": "off", "token": ""}, {"to": "off", "token": "x"}])
def test_the_switch_needs_the_token_of_its_form(
    client: TestClient, directory: Path, form: dict[str, str]
) -> None:
    assert client.post("/switch", data=form).status_code == 403
    assert read_flag(directory) is not False


def test_the_switch_goes_nowhere_but_on_or_off(client: TestClient, directory: Path) -> None:
    token = switch_token(client)
    assert client.post("/switch", data={"token": token, "to": "up"}).status_code == 400
    assert client.post("/switch", data={"token": token, "to": "off", "more": "x" * 10_000}).status_code == 403
    assert client.get("/switch").status_code == 405
    assert read_flag(directory) is not False


def test_a_websocket_is_closed(client: TestClient) -> None:
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/"):
        pass
