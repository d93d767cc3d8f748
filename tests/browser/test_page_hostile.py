"""A store in which every word was chosen to harm: nothing of it is executed, hidden, followed or in the way."""

import pytest

from agent_trace.store import Store
from tests.support.browser import WIDTHS, Browser
from tests.support.hostile_calls import IMAGE, LINK, SCRIPT, WORDS
from tests.support.sites import Site

LISTS = ("/", "/sessions", "/agents", "/costs", "/costs?by=agent", "/signals", "/status")
HARMLESS = """
const foreign = [...document.querySelectorAll("a[href], form[action], img[src], iframe, object, embed, base, link[href]")]
  .map(each => each.href || each.action || each.src || each.tagName)
  .filter(url => !String(url).startsWith(location.origin + "/") && !String(url).startsWith("data:image/"));
const attributes = [...document.querySelectorAll("*")].flatMap(each => each.getAttributeNames()
  .filter(name => name.startsWith("on") || name === "srcdoc").map(name => `${each.tagName} ${name}`));
const inline = [...document.scripts].filter(each => !each.src && each.type !== "application/json").map(each => each.text);
return {executed: window.executed ?? null, foreign, attributes, inline, title: document.title.endsWith("agent_trace"),
  hidden: [...document.body.innerText].filter(each => /[\\u202a-\\u202e\\u2066-\\u2069\\u200b-\\u200d\\u0000-\\u0008\\u001b\\ufeff\\ud800-\\udfff]/.test(each) && each.length === 1)
};
"""
NOTHING = {"executed": None, "foreign": [], "attributes": [], "inline": [], "title": True, "hidden": []}


def harm_on(window: Browser, site: Site) -> dict[str, object]:
    """What a page did that it should not have, after it had time to."""
    found = window.ask(HARMLESS)
    foreign = [each for each in window.requests() if not each.startswith((site.url, "data:"))]
    harm = {**found, "problems": window.problems(), "requests": foreign}
    return {name: value for name, value in harm.items() if value != NOTHING.get(name, [])}


@pytest.mark.parametrize("path", LISTS)
def test_no_list_executes_or_breaks(path: str, window: Browser, hostile: Site) -> None:
    window.width(380)
    window.open(hostile.url + path)
    for width in WIDTHS:
        window.width(width)
        assert window.layout() == []
    assert harm_on(window, hostile) == {}


@pytest.mark.parametrize("view", ["", "?view=transcript", "?view=json"])
@pytest.mark.parametrize("word", WORDS)
def test_no_trace_executes_or_breaks(word: str, view: str, window: Browser, hostile: Site) -> None:
    window.width(380)
    window.open(f"{hostile.url}/traces/{trace_of(word, hostile)}{view}")
    for width in (380, 1280):
        window.width(width)
        assert window.layout() == []
    assert harm_on(window, hostile) == {}


# Tools and events look like the others, which see every word.
SHOWN = [
    *((word, type) for word in WORDS for type in ("agent", "generation")),
    *((word, type) for word in ("closing", "attribute", "long", "steering") for type in ("tool", "event")),
]


@pytest.mark.parametrize(("word", "type"), SHOWN)
def test_no_observation_executes_or_breaks(word: str, type: str, window: Browser, hostile: Site) -> None:
    trace_id = trace_of(word, hostile)
    with Store(hostile.store) as store:
        found = next(each for each in store.trace(trace_id).observations if each.type == type)
    window.width(380)
    window.open(f"{hostile.url}/traces/{trace_id}?observation={found.id}")
    for width in (380, 1280):
        window.width(width)
        assert window.layout() == []
    assert harm_on(window, hostile) == {}


def test_a_script_in_a_prompt_stays_text(window: Browser, hostile: Site) -> None:
    trace_id = trace_of("script", hostile)
    with Store(hostile.store) as store:
        asked = next(each for each in store.trace(trace_id).observations if each.type == "generation")
    window.open(f"{hostile.url}/traces/{trace_id}?observation={asked.id}")
    assert SCRIPT in window.text()
    assert window.ask("return window.executed ?? null") is None
    assert window.accessibility() == []


def test_links_in_messages_are_not_links(window: Browser, hostile: Site) -> None:
    for word in ("link", "markdown"):
        window.open(f"{hostile.url}/traces/{trace_of(word, hostile)}?view=transcript")
        assert LINK in window.text()
        assert (
            window.ask(
                "return [...document.links].filter(each => !each.href.startsWith(location.origin)).length"
            )
            == 0
        )


def test_an_agent_called_like_an_image_can_be_followed(window: Browser, hostile: Site) -> None:
    window.open(hostile.url + "/agents")
    assert IMAGE in window.text()
    window.ask("[...document.links].find(each => each.innerText === arguments[0]).click()", IMAGE)
    window.wait(
        "what the agent did", "return location.pathname !== '/agents' && document.readyState === 'complete'"
    )
    assert IMAGE in window.ask(
        "return document.querySelector('main').innerText + [...document.querySelectorAll('input, select')].map(each => each.value)"
    )
    assert harm_on(window, hostile) == {}


def test_a_message_of_five_megabytes_opens_and_can_be_read_to_its_end(window: Browser, hostile: Site) -> None:
    path = large_observation(hostile)
    assert len(hostile.get(path).body) < 150_000  # the rest of it is for who asks
    window.open(hostile.url + path)
    assert (harm_on(window, hostile), window.layout()) == ({}, [])
    window.ask("[...document.links].find(each => each.innerText === 'Show all (4.8 MiB)').click()")
    window.wait(
        "the whole message",
        "return location.pathname.endsWith('/text') && document.readyState === 'complete'",
    )
    assert window.ask("return document.body.textContent.length") == 5_000_000 + len(SCRIPT)
    assert window.ask("return window.executed ?? null") is None


def test_300_notes_are_all_there(window: Browser, hostile: Site) -> None:
    window.open(hostile.url + large_observation(hostile))
    (rest,) = window.ask(
        "return [...document.links].map(each => each.href).filter(each => each.endsWith('=%2Fmetadata'))"
    )
    shown = hostile.get(rest.removeprefix(hostile.url))
    assert shown.headers["content-type"].startswith("text/plain")
    assert [number for number in range(300) if f"note {number}" not in shown.text] == []


def large_observation(site: Site) -> str:
    """Path of the observation with a message of five megabytes and 300 notes."""
    trace_id = site.trace_id("large")
    with Store(site.store) as store:
        (observation,) = store.trace(trace_id).observations
    return f"/traces/{trace_id}?observation={observation.id}"


@pytest.mark.parametrize(
    "path", ["/traces.json", "/agents.json", "/sessions.json", "/signals.json", "/costs.json"]
)
def test_json_is_nothing_that_a_browser_would_run(path: str, hostile: Site) -> None:
    answer = hostile.get(path)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-content-type-options"] == "nosniff"
    answer.body.decode("utf-8")


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/static/../../settings.py",
            "/static/%2e%2e/app.py",
            "/static/..%2fapp.py",
            "/..%2f..%2fetc%2fpasswd",
        ),
        *(
            "/traces/..%2f..%2fcontrol",
            "/traces/%00",
            "/traces/%ff%fe",
            "/static/",
            "/index.sqlite",
            "/segments/",
        ),
        *(
            "/traces/<script>window.executed=1</script>",
            "/?q=%22%22%22((",
            "/?since=yesterdayish&min_cost=x",
        ),
        *(
            "/?before=garbage",
            "/traces/x?observation=<script>",
            "/costs?by=nonsense",
            "/?status=<b>",
            "/?q=%ff",
        ),
    ],
)
def test_no_url_reaches_a_file_or_breaks_the_page(path: str, hostile: Site) -> None:
    answer = hostile.get(path.replace("<", "%3C").replace(">", "%3E"))
    assert answer.status in (200, 400, 404)
    assert "root:" not in answer.text and "Traceback" not in answer.text
    assert "<script>window" not in answer.text


def trace_of(word: str, site: Site) -> str:
    """The trace whose agent is this word."""
    with Store(site.store) as store:
        rows = store.traces(limit=100)
    position = [*reversed(WORDS)].index(word)
    agents = [row for row in rows if row.name != "large" and row.observations > 2][1:]
    return agents[position].trace_id
