"""What the demo recorded can be seen: the trace, its tree, the chat, the signal, the cost. Also without scripts."""

import re
from html import unescape

import pytest

from agent_trace.store import Store
from tests.support.browser import Browser
from tests.support.sites import Site
from tests.support.walks import PAGES, path_of

SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])


def test_from_the_list_to_the_signal_by_clicking(window: Browser, demo: Site) -> None:
    window.open(demo.url)
    assert "trading desk" in window.text()
    trace = path_of("trace", demo)
    window.click(f"a[href^='{trace}']")
    window.arrive("^/traces/")
    shown = window.text()
    for word in ("trading desk", "demo-desk", "BUY", "$"):
        assert word in shown


@SCRIPTS
def test_the_tree_names_every_observation(scripts: bool, window: Browser, demo: Site) -> None:
    window.scripts(scripts)
    path = path_of("trace", demo)
    window.open(demo.url + path)
    with Store(demo.store) as store:
        names = [each.name for each in store.trace(path.rpartition("/")[2]).observations]
    shown = window.text()
    assert {name for name in names if shown.count(name) < names.count(name)} == set()


@SCRIPTS
def test_the_chat_says_who_said_what(scripts: bool, window: Browser, demo: Site) -> None:
    window.scripts(scripts)
    window.open(demo.url + path_of("generation", demo))
    shown = window.text()
    assert "You are one of the agents of a small trading desk." in shown  # the system's message
    for role in ("system", "user", "assistant"):
        assert role in shown.lower()
    for word in ("gpt-4o-mini", "tokens", "$"):
        assert word in shown


@SCRIPTS
def test_the_transcript_is_the_conversation(scripts: bool, window: Browser, demo: Site) -> None:
    window.scripts(scripts)
    window.open(demo.url + path_of("transcript", demo))
    assert "You are one of the agents of a small trading desk." in window.text()


@SCRIPTS
def test_an_error_shows_what_happened_and_where(scripts: bool, window: Browser, demo: Site) -> None:
    window.scripts(scripts)
    window.open(demo.url + path_of("observation with an error", demo))
    with Store(demo.store) as store:
        error = store.observation(path_of("observation with an error", demo).rpartition("=")[2]).error
    assert error is not None
    shown = window.source_text()
    for told in (error["type"], error["message"], *error["stack"].splitlines()):
        assert told in shown


@SCRIPTS
def test_a_signal_shows_its_action_confidence_and_symbol(scripts: bool, window: Browser, demo: Site) -> None:
    window.scripts(scripts)
    window.open(demo.url + path_of("observation with a signal", demo))
    with Store(demo.store) as store:
        signal = store.observation(path_of("observation with a signal", demo).rpartition("=")[2]).signal
    assert signal is not None
    for word in (signal["action"], signal["symbol"]):
        assert word in window.text()


@pytest.mark.parametrize("page", PAGES)
def test_every_page_gives_its_content_without_scripts(page: str, window: Browser, demo: Site) -> None:
    path = demo.url + path_of(page, demo)
    window.open(path)
    with_scripts = set(window.text().split())
    window.scripts(False)
    window.open(path)
    without = set(window.text().split())
    # What only scripts can do may be missing: charts, live updates, copying, times in the visitor's zone.
    missing = with_scripts - without
    assert len(missing) <= 0.25 * len(with_scripts), missing
    assert window.layout() == []
    assert window.ask("return document.querySelectorAll('h1').length") == 1
    assert window.ask("return document.title").endswith(" · agent_trace")
    assert window.ask("return document.querySelector('header a[href=\"/\"]') !== null")


@pytest.mark.parametrize("page", [each for each in PAGES if each != "no such trace"])
def test_every_page_links_to_its_json(page: str, demo: Site) -> None:
    link = re.search(r'href="([^"]+\.json[^"]*)"', demo.get(path_of(page, demo)).text)
    assert link is not None
    answer = demo.get(unescape(link[1]))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")


def test_filters_work_as_forms_without_scripts(window: Browser, demo: Site) -> None:
    window.scripts(False)
    window.open(demo.url)
    window.fill("input[name=q]", "momentum")
    window.press("\n")
    window.wait("the filtered list", lambda: "q=momentum" in window.path)
    assert "trading desk" in window.text()
    assert "main.py" not in window.ask("return document.querySelector('main table').innerText")


def test_costs_tell_every_agent_and_model(window: Browser, demo: Site) -> None:
    window.open(demo.url + "/costs?by=agent")
    shown = window.source_text()
    for name in ("desk-analyst", "desk-risk", "demo-desk", "gpt-4o-mini"):
        assert name in shown
    assert "$" in window.text()


def test_status_accounts_for_every_record(window: Browser, demo: Site) -> None:
    window.open(demo.url + "/status")
    shown = window.text()
    for word in ("recorded", "lost", "settings", str(demo.store)):
        assert word.lower() in shown.lower()
