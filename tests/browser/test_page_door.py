"""Who gets in, and what a browser is told: hosts, tokens, cookies, the switch, the content policy."""

import re
from pathlib import Path

import pytest

from agent_trace.recording.journal.control import read_flag
from tests.support.browser import Browser
from tests.support.sites import Site, site


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "localhost.evil.example"]
)
def test_a_foreign_host_is_refused(host: str, demo: Site) -> None:
    for path in ("/", "/traces.json", "/static/page.css", "/status"):
        answer = demo.get(path, Host=host)
        assert 400 <= answer.status < 500
        assert b"trading desk" not in answer.body


def test_no_other_website_may_read_or_frame_the_page(demo: Site) -> None:
    headers = demo.get("/", Origin="http://evil.example").headers
    assert "access-control-allow-origin" not in headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert not re.search(r"script-src[^;]*'unsafe-(inline|eval)'", policy)


def test_everything_that_is_sent_is_refused_but_the_switch(demo: Site) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        for path in ("/", "/status", "/traces.json"):
            assert demo.get(path, method=method).status in (403, 404, 405)


def test_the_switch_switches_recording_off_and_on_again(
    window: Browser, store: Path, unfinished: Site
) -> None:
    for scripts in (True, False):
        window.scripts(scripts)
        window.open(unfinished.url + "/status")
        for on in (False, True):
            window.click("form[action='/switch'] button")
            window.wait(
                "the other state", lambda wanted=on: (read_flag(unfinished.store) is not False) is wanted
            )
            window.wait("the status page", "return location.pathname === '/status'")
    assert window.problems() == []


def test_the_switch_needs_the_token_of_its_form(unfinished: Site) -> None:
    form = {"Content_Type": "application/x-www-form-urlencoded", "Origin": unfinished.url}
    for body in ("to=off", "to=off&token=", "to=off&token=wrong"):
        assert unfinished.get("/switch", method="POST", body=body, **form).status == 403
    assert read_flag(unfinished.store) is not False


def test_another_website_cannot_switch_even_with_the_token(unfinished: Site) -> None:
    token = re.search(r'name="token" value="([^"]+)"', unfinished.get("/status").text)
    assert token is not None
    form = {"Content_Type": "application/x-www-form-urlencoded", "Origin": "http://evil.example"}
    body = f"to=off&token={token[1]}"
    assert (
        unfinished.get("/switch", method="POST", body=body, Sec_Fetch_Site="cross-site", **form).status == 403
    )
    assert unfinished.get("/switch", method="POST", body=body, **form).status == 403
    assert read_flag(unfinished.store) is not False


def test_a_wider_address_needs_the_token_once(window: Browser, demo: Site) -> None:
    with site(demo.store, "--host", "0.0.0.0") as wide:
        token = re.search(r"token=([\w-]+)", wide.printed_url)
        assert token is not None
        assert wide.get("/").status in (401, 403)
        assert wide.get("/traces.json?token=wrong").status in (401, 403)
        assert wide.get("/static/page.css").status in (401, 403)
        window.open(f"{wide.url}/?token={token[1]}")
        assert "trading desk" in window.text()
        assert token[1] not in window.ask("return location.href")
        window.open(f"{wide.url}/agents")
        assert "Agents" in window.text()
        (cookie,) = window.driver.get_cookies()
        assert cookie["httpOnly"] and cookie["sameSite"] in ("Strict", "Lax")
        assert window.problems() == []
