"""The Grafana dashboard asks for metrics that there are, with labels that they have."""

import json
import re
from collections.abc import Iterator
from typing import Any

from agent_trace.metrics.catalogue import BUCKETS_S, BY_NAME, METRICS
from tests.support.pages import DOCS, table

DASHBOARD: dict[str, Any] = json.loads((DOCS / "grafana" / "agent_trace.json").read_text(encoding="utf-8"))
_SELECTOR = re.compile(r"\b([a-z][a-z0-9_]*)(?:\{([^}]*)\})?(?=[\[\s){]|$)")
_BY = re.compile(r"\bby \(([^)]*)\)")
_WORDS = {"sum", "min", "max", "rate", "increase", "by", "histogram_quantile"}
_SUFFIX = re.compile("_(bucket|sum|count)$")


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[str]:
    for panel in panels():
        yield from (target["expr"] for target in panel["targets"])


def asked(expression: str) -> list[tuple[str, set[str]]]:
    """(metric, labels that its selector names) of each selector in an expression."""
    bare = _BY.sub("", expression)
    found = []
    for name, selector in _SELECTOR.findall(bare):
        if name not in _WORDS and not name.startswith("__"):
            found.append((name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))))
    return found


def metric_of(name: str) -> tuple[str, set[str]]:
    """The metric behind a series, and the labels of that series."""
    base = name if name in BY_NAME else _SUFFIX.sub("", name)
    assert base in BY_NAME, name
    assert (BY_NAME[base].kind == "histogram") == (base != name), (
        f"{name} is no series of a {BY_NAME[base].kind}"
    )
    return base, {*BY_NAME[base].labels, *(["le"] if name.endswith("_bucket") else [])}


def test_every_expression_asks_for_a_metric_that_exists_with_labels_that_it_has() -> None:
    for expression in expressions():
        selectors = asked(expression)
        assert selectors, expression
        for name, labels in selectors:
            _, known = metric_of(name)
            assert labels <= known, expression
            for group in _BY.findall(expression):
                assert {label.strip() for label in group.split(",")} <= known, expression


def test_every_legend_names_labels_that_the_expression_keeps() -> None:
    for panel in panels():
        for target in panel["targets"]:
            wanted = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            groups = _BY.findall(target["expr"])
            kept = {label.strip() for group in groups for label in group.split(",")}
            if not groups:
                kept = (
                    metric_of(asked(target["expr"])[0][0])[1]
                    if "(" not in target["expr"].split("{")[0]
                    else set()
                )
            assert wanted <= kept, target["expr"]


def test_every_metric_is_on_the_dashboard() -> None:
    shown = {metric_of(name)[0] for expression in expressions() for name, _ in asked(expression)}
    assert shown == {metric.name for metric in METRICS}


def test_every_variable_is_defined_and_asks_for_a_label_that_exists() -> None:
    variables = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$(?:\{)?(\w+)", json.dumps([panels(), *variables.values()])))
    assert used - {"__rate_interval", "__range", "__all"} == set(variables)
    for each in variables.values():
        if each["type"] == "query":
            name, label = re.findall(r"label_values\((\w+), (\w+)\)", each["definition"])[0]
            assert label in BY_NAME[name].labels and each["query"]["query"] == each["definition"]


def test_it_is_a_dashboard_that_grafana_takes() -> None:
    assert DASHBOARD["schemaVersion"] >= 36 and DASHBOARD["title"] and DASHBOARD["uid"]
    assert DASHBOARD.get("id") is None, "an id would overwrite a dashboard of whoever imports it"
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["w"] > 0 and place["x"] + place["w"] <= 24 and place["h"] > 0
    for panel in panels():
        assert panel["type"] in ("timeseries", "stat") and panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_metric_stands_in_the_documentation_with_its_labels() -> None:
    rows = {
        row[0].strip("`"): set(re.findall(r"`(\w+)`", row[1])) for row in table(DOCS / "metrics.md", "metric")
    }
    assert rows == {metric.name: set(metric.labels) for metric in METRICS}


def test_the_documented_buckets_are_those_that_are_used() -> None:
    text = (DOCS / "metrics.md").read_text(encoding="utf-8")
    *bounds, last = [f"{bound:g}" for bound in BUCKETS_S]
    assert f"{', '.join(bounds)} and {last} seconds" in text
    assert (BUCKETS_S[0], BUCKETS_S[-1]) == (0.1, 120)
