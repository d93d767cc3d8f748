"""What looks at the pages sees what it is there to see: each fault on a page made to have it, and none on a good one."""

from urllib.parse import quote

import pytest

from tests.support.browser import Browser

GOOD = "<html lang=en><title>a</title><main><h1>A</h1><p>One line</p><div style='overflow:auto;width:90px'><p style='width:900px'>scrolls</p></div>"
BAD = {
    "pixels wide on a screen of 380": "<div style='width:500px;height:9px;background:red'></div>",
    "beyond the edge of the page": "<p style='position:absolute;left:-30px'>a long line</p>",
    "overlapping": "<p style='height:5px'>first line</p><p style='margin-top:-15px'>second line</p>",
    "cut off": "<div style='overflow:hidden;width:50px;white-space:nowrap'>a long line of words</div>",
}


def open_html(window: Browser, html: str) -> None:
    window.open(f"data:text/html;charset=utf-8,<!doctype html>{quote(html)}")


def test_a_good_page_has_no_faults(window: Browser) -> None:
    window.width(380)
    open_html(window, GOOD)
    assert (window.layout(), window.problems()) == ([], [])


@pytest.mark.parametrize("fault", BAD)
def test_a_fault_of_the_layout_is_seen(fault: str, window: Browser) -> None:
    window.width(380)
    open_html(window, GOOD + BAD[fault])
    assert any(fault in each for each in window.layout()), window.layout()


def test_what_a_page_tries_is_seen(window: Browser) -> None:
    open_html(
        window,
        "<script>alert('ran'); console.error('bad'); Promise.reject(7); fetch('http://192.0.2.1/x')</script>",
    )
    window.wait("the request", "return performance.now() > 100")
    problems = " ".join(window.problems())
    for word in ("alert(ran)", "bad", "rejected: 7"):
        assert word in problems
    assert "http://192.0.2.1/x" in window.requests()


def test_pale_text_and_fields_without_a_label_are_seen(window: Browser) -> None:
    open_html(window, GOOD + "<p style='color:#aaa'>pale</p><input>")
    found = " ".join(window.accessibility())
    assert "color-contrast" in found and "label" in found


def test_scripts_can_be_switched_off(window: Browser) -> None:
    window.scripts(False)
    open_html(window, "<p>before</p><script>document.querySelector('p').innerText = 'after'</script>")
    assert window.text() == "before"
