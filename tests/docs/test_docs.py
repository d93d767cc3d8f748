"""The documentation keeps its word: examples run, links lead somewhere, nothing public is left out."""

import ast
import inspect
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import agent_trace
from agent_trace import LangFuseTracker, ObservabilityContext, Store, errors, testing
from agent_trace.cli.commands import COMMANDS
from agent_trace.observation import OBSERVATION_TYPES, RECORD_KEYS
from agent_trace.recording.reading.signals import read_signal
from agent_trace.settings_table import COMPILED, TABLE
from tests.support.pages import DOCS, ROOT, anchors, blocks, headings, links, pages, prose, table

PAGES = pages()
# The examples of the command line's page need a store of their own: tests/cli/test_cli_docs.py.
RUN = [
    page
    for page in PAGES
    if page.name != "cli.md" and any(block.language in ("python", "console") for block in blocks(page))
]
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
OURS = ("AGENT_TRACE_", "LANGFUSE_", "OTEL_", "ENABLE_LANGFUSE")
NOT_RUN_AT_MOST = 5


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", RUN, ids=named)
def test_every_example_of_a_page_runs_and_prints_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()  # this is the project's root, whatever lies above
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.run_page", str(page)],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200", "TZ": "UTC"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode != 0:
        pytest.fail(done.stderr, pytrace=False)


def test_examples_that_do_not_run_are_few_and_say_why() -> None:
    skipped = [block for page in PAGES for block in blocks(page) if block.order == "not run"]
    assert [block.place for block in skipped if not block.argument] == []
    assert len(skipped) <= NOT_RUN_AT_MOST, [block.place for block in skipped]


def test_the_settings_page_is_what_the_table_gives() -> None:
    made = runpy.run_path(str(DOCS / "make_settings.py"))["page"]()
    written = (DOCS / "settings.md").read_text(encoding="utf-8")
    assert written == made, "docs/settings.md is out of date; renew it with `python docs/make_settings.py`"


def test_every_setting_stands_in_the_settings_page_with_all_its_variables() -> None:
    rows = {row[0]: row[1] for row in table(DOCS / "settings.md", "setting")}
    for setting in TABLE:
        assert all(f"`{variable}`" in rows[f"`{setting.name}`"] for variable in setting.variables), (
            setting.name
        )


def test_every_variable_that_a_page_names_is_read() -> None:
    known = {variable for setting in TABLE for variable in setting.variables} | {COMPILED}
    for page in PAGES:
        typed = [block.text for block in blocks(page) if block.language not in ("console", "text")]
        found = set(
            re.findall(r"\b(?:AGENT_TRACE_[A-Z_]*[A-Z]|ENABLE_LANGFUSE)\b", "\n".join([prose(page), *typed]))
        )
        assert found <= known, f"{named(page)}: {sorted(found - known)}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_internal_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{named(page)} links to {link}, which is not there"
        if anchor:
            assert anchor in anchors(target), (
                f"{named(page)} links to {link}; there are {sorted(anchors(target))}"
            )


def test_the_index_leads_to_every_page() -> None:
    linked = {(DOCS / link).resolve() for link in links(DOCS / "README.md")}
    expected = {page for page in DOCS.glob("*.md") if page.name != "README.md"} | {
        DOCS / "decisions" / "README.md"
    }
    assert linked == expected


def test_every_public_name_is_documented() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES if page.is_relative_to(DOCS))
    missing = [name for name in agent_trace.__all__ if not re.search(rf"\b{re.escape(name)}\b", text)]
    assert missing == []


def test_every_method_of_the_context_has_a_section() -> None:
    assert public(ObservabilityContext) <= set(headings(DOCS / "context-and-signals.md"))


def test_every_name_of_the_tracker_and_of_the_store_is_in_a_table() -> None:
    tracker = " ".join(row[0] for row in table(DOCS / "getting-started.md", "name"))
    assert [name for name in public(LangFuseTracker) if f"`.{name}" not in tracker] == []
    store = " ".join(row[0] for row in table(DOCS / "record.md", "method"))
    assert [name for name in public(Store) if f"`{name}(" not in store] == []


def test_everything_for_tests_is_documented() -> None:
    own = {
        name for name, value in vars(testing).items() if getattr(value, "__module__", "") == testing.__name__
    }
    text = (DOCS / "testing.md").read_text(encoding="utf-8")
    assert [name for name in own if not name.startswith("_") and f"`{name}" not in text] == []


def test_every_error_is_documented() -> None:
    kinds = [name for name, kind in vars(errors).items() if inspect.isclass(kind)]
    text = (DOCS / "record.md").read_text(encoding="utf-8")
    assert [name for name in kinds if f"`{name}`" not in text] == []


def test_the_record_page_has_every_key_in_the_order_of_a_record() -> None:
    assert [row[0].strip("`") for row in table(DOCS / "record.md", "key")] == list(RECORD_KEYS)


def test_every_type_and_option_of_the_decorator_is_documented() -> None:
    text = (DOCS / "decorating.md").read_text(encoding="utf-8")
    options = list(inspect.signature(agent_trace.observe_llm).parameters)[1:]
    assert sorted(row[0].strip("`") for row in table(DOCS / "decorating.md", "option")) == sorted(options)
    assert [kind for kind in OBSERVATION_TYPES if f"`{kind}`" not in text] == []


def test_the_scales_of_a_confidence_are_read_as_the_page_says() -> None:
    rows = table(DOCS / "context-and-signals.md", "given")
    assert len(rows) > 5
    for given, scale, percent, tag in rows:
        signal, tags = read_signal("BUY", ast.literal_eval(given.strip("`")))
        assert signal["confidence_scale"] == scale.strip("`")
        assert str(signal.get("confidence_percent", "")) == percent
        assert tags == ["signal:BUY", *([tag.strip("`")] if tag else [])]


def test_every_command_that_a_page_names_is_there() -> None:
    for page in PAGES:
        found = set(
            re.findall(r"(?:`|\$ |^)agent-trace ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
        )
        assert found <= set(COMMANDS), f"{named(page)}: {sorted(found - set(COMMANDS))}"


def test_the_glossary_is_kept_to() -> None:
    wrong = []
    for _, _, others in table(DOCS / "glossary.md", "term"):
        words = [word.strip() for word in others.split(",")]
        pattern = re.compile("|".join(rf"\b{re.escape(word)}s?\b" for word in words), re.IGNORECASE)
        for page in PAGES:
            if page.name != "glossary.md":
                wrong += [f"{named(page)} says {word!r}" for word in pattern.findall(prose(page))]
    assert wrong == []


def test_the_glossary_has_each_term_once() -> None:
    terms = [row[0] for row in table(DOCS / "glossary.md", "term")]
    assert len(terms) == len(set(terms)) > 20
    assert all(term.startswith("**") and term.endswith("**") for term in terms)


@pytest.mark.parametrize("page", DECISIONS, ids=named)
def test_a_decision_has_context_choice_and_price_on_one_screen(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^(?:## |\*\*)(Context|Choice|Price)\b", text, re.MULTILINE) == [
        "Context",
        "Choice",
        "Price",
    ]
    assert text.startswith("# ") and len(text.splitlines()) <= 30


def test_decisions_are_numbered_without_a_gap_and_all_listed() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    assert links(DOCS / "decisions" / "README.md") == [page.name for page in DECISIONS]


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}
