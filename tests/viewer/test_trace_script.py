"""The script of a trace's page in a real browser: lines made as they are needed, an observation beside them, keys."""

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.keys import Keys

from tests.support.browser import Browser, browser
from tests.support.segments import START_NS, record, write_segment
from tests.support.sites import Site, site

MS = 1_000_000
SMALL, LARGE = "aa" * 16, "bb" * 16
OBSERVATIONS = 5_001


def _small() -> list[dict[str, object]]:
    said = {"messages": [{"role": "user", "content": "needle in the prompt"}]}
    return [
        record(trace_id=SMALL, id="a1", name="desk", end_ns=START_NS + 9 * MS),
        record(trace_id=SMALL, id="a2", parent_id="a1", name="agent"),
        record(
            trace_id=SMALL, id="a3", parent_id="a2", name="ask", type="generation", input=said, output="BUY"
        ),
        record(trace_id=SMALL, id="a4", parent_id="a1", name="order", level="ERROR"),
    ]


def _large() -> Iterator[dict[str, object]]:
    """A root, and rounds of ten below it."""
    for number in range(1, OBSERVATIONS + 1):
        is_round = number % 10 == 2
        parent = None if number == 1 else "b00001" if is_round else f"b{number - (number - 2) % 10:05x}"
        yield record(
            trace_id=LARGE,
            id=f"b{number:05x}",
            parent_id=parent,
            name=f"step {number}",
            start_ns=START_NS + number,
        )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    store = tmp_path_factory.mktemp("script") / "store"
    write_segment(store, [*_small(), *_large()])
    with site(store) as running:
        yield running


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def page(window: Browser, served: Site) -> Iterator[Browser]:
    window.fresh()
    window.open(f"{served.url}/traces/{SMALL}")
    yield window
    assert window.problems() == []


def focused(page: Browser) -> str:
    return str(page.ask("return document.activeElement.textContent"))


def listed(page: Browser) -> list[str]:
    return list(
        page.ask("return [...document.querySelectorAll('.tree-lines .name')].map(each => each.textContent)")
    )


def hits(page: Browser, text: str) -> None:
    page.wait(text, "return document.querySelector('[data-hits]').textContent === arguments[0]", text)


def test_keys_go_through_the_lines_and_open_and_close_an_observation(page: Browser, served: Site) -> None:
    page.press("j", "j", "j")
    assert focused(page) == "ask"
    page.requests()
    page.press(Keys.ENTER)
    page.wait("the observation", "return document.getElementById('observation-name')?.textContent === 'ask'")
    assert page.path == f"/traces/{SMALL}?observation={'a3':0>16}"
    assert page.requests() == [f"{served.url}/observations/{'a3':0>16}?panel=1"]
    assert "needle in the prompt" in page.text()
    page.press(Keys.ESCAPE)
    page.wait("its end", "return !document.querySelector('.panel')")
    assert (page.path, focused(page)) == (f"/traces/{SMALL}", "ask")
    page.driver.back()
    page.wait("it again", "return document.getElementById('observation-name')?.textContent === 'ask'")


def test_raw_is_shown_in_place(page: Browser, served: Site) -> None:
    page.open(f"{served.url}/traces/{SMALL}?observation={'a3':0>16}")
    page.ask("document.querySelectorAll('[data-panel]')[1].click()")
    page.wait(
        "the raw input",
        "return document.querySelector('.panel pre')?.textContent.includes('\"role\": \"user\"')",
    )
    assert "raw=1" in page.path


def test_arrows_close_and_open_lines_without_asking_the_server(page: Browser) -> None:
    page.press("j", "j")
    page.requests()
    page.press(Keys.ARROW_LEFT)
    assert listed(page) == ["desk", "agent", "order"]
    assert (
        page.ask("return document.activeElement.closest('[role=row]').getAttribute('aria-expanded')")
        == "false"
    )
    page.press(Keys.ARROW_RIGHT)
    assert listed(page) == ["desk", "agent", "ask", "order"]
    page.ask("document.querySelector('[data-folds=all]').click()")
    assert listed(page) == ["desk", "agent", "order"]
    assert page.requests() == []


def test_a_search_goes_from_match_to_match_and_opens_what_is_closed(page: Browser) -> None:
    page.ask("document.querySelector('[data-folds=all]').click()")
    page.press("/", *"needle", Keys.ENTER)
    hits(page, "1 of 1")
    assert "ask" in listed(page)
    assert page.ask("return document.querySelector('.at-hit .name').textContent") == "ask"
    page.ask("document.querySelector('.at-hit .name').click()")
    page.wait("the mark", "return document.querySelector('.panel mark.hit')?.textContent === 'needle'")


def test_of_more_finds_than_are_looked_for_it_is_said_that_these_are_the_first(
    page: Browser, served: Site
) -> None:
    page.open(f"{served.url}/traces/{LARGE}")
    page.press("/", *"step 1", Keys.ENTER)
    hits(page, "1 of the first 1,000")
    page.press(Keys.ENTER)
    hits(page, "2 of the first 1,000")


def test_of_a_large_tree_only_the_lines_in_view_are_in_the_document(page: Browser, served: Site) -> None:
    page.open(f"{served.url}/traces/{LARGE}")
    page.wait("all lines", f"return document.querySelector('.tree').ariaRowCount == {OBSERVATIONS + 1}")
    assert len(listed(page)) < 300
    page.ask("scrollTo(0, document.documentElement.scrollHeight)")
    page.wait("the last line", f"return document.querySelector('[aria-rowindex=\"{OBSERVATIONS + 1}\"]')")
    assert listed(page)[-1] == f"step {OBSERVATIONS}" and len(listed(page)) < 300
    page.press("/", *"step 2503", Keys.ENTER)
    hits(page, "1 of 1")
    assert page.ask(
        "const seen = document.querySelector('.at-hit').getBoundingClientRect();"
        "return seen.top > 0 && seen.bottom < innerHeight"
    )
    assert listed(page) == [
        f"step {number}" for number in range(int(listed(page)[0][5:]), int(listed(page)[-1][5:]) + 1)
    ]


def test_a_line_made_by_the_script_is_the_line_that_the_server_writes(page: Browser, served: Site) -> None:
    page.open(f"{served.url}/traces/{LARGE}?from=200")
    wanted = "return document.querySelector('[data-id=\"{:0>16}\"]').outerHTML.replace(/ aria-rowindex=\"\\d+\"/, '')"
    for id in ("b000ca", "b000cb"):  # one with others below it, and one without
        page.scripts(False)
        page.open(f"{served.url}/traces/{LARGE}?from=200")
        written = page.ask(wanted.format(id))
        page.scripts(True)
        page.open(f"{served.url}/traces/{LARGE}")
        page.wait("all lines", f"return document.querySelector('.tree').ariaRowCount == {OBSERVATIONS + 1}")
        page.ask("scrollTo(0, 200 * 28)")
        page.wait("the line", f"return document.querySelector('[data-id=\"{id:0>16}\"]')")
        assert _alike(page.ask(wanted.format(id))) == _alike(written)


def _alike(markup: str) -> list[str]:
    """A line's markup without its links, which keep what else is asked for, and without blanks between its parts."""
    return sorted(part for part in markup.replace(">", "\n").split() if not part.startswith('href="/traces'))


@pytest.mark.parametrize("path", ["", f"?observation={'a3':0>16}"])
def test_a_trace_is_accessible_at_every_width(page: Browser, served: Site, path: str) -> None:
    page.open(f"{served.url}/traces/{SMALL}{path}")
    for width in (380, 1280):
        page.width(width)
        assert page.layout() == []
        assert page.accessibility() == []
