"""A real Chromium, driven from tests: what a page shows at a width and in a colour scheme, and what went wrong on it.

`python -m tests.support.browser` says what is missing for that on this machine.
"""

import base64
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import axe_core_python
from selenium import webdriver
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.support.wait import WebDriverWait

WIDTHS: Final = (380, 1280, 3840)
"""A telephone, a laptop, a 4K screen; in CSS pixels."""

SCHEMES: Final = ("light", "dark")
Scheme = Literal["light", "dark"]

_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_HEIGHTS: Final = {380: 800, 1280: 900, 3840: 2160}
_LAYOUT: Final = (Path(__file__).parent / "page_layout.js").read_text(encoding="utf-8")
_AXE: Final = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
_RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")

# Runs before anything of a page does, so that nothing that the page tries goes unnoticed.
_TRAPS: Final = """
window.trapped = [];
for (const name of ["alert", "confirm", "prompt", "open", "print"])
  window[name] = (...given) => { window.trapped.push(`${name}(${given})`); };
document.addEventListener("securitypolicyviolation", event =>
  window.trapped.push(`the policy refused ${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
addEventListener("error", event => window.trapped.push(`error: ${event.message}`));
addEventListener("unhandledrejection", event => window.trapped.push(`rejected: ${event.reason}`));
"""


class BrowserMissing(Exception):
    """There is no Chromium, or no driver for it."""


class Browser:
    """One window. Nothing but this machine can be reached from it."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        driver.set_page_load_timeout(30)
        driver.set_script_timeout(30)
        self._devtools("Page.addScriptToEvaluateOnNewDocument", source=_TRAPS)
        self.fresh()

    def fresh(self) -> None:
        """As a new visitor has it: 1280 pixels, light, scripts on, no cookies, nothing noted."""
        self._devtools("Network.clearBrowserCookies")
        self.width(1280)
        self.scheme("light")
        self.scripts(True)
        self.latency(0)
        self.driver.get("about:blank")
        self.problems()
        self.requests()

    def open(self, url: str) -> None:
        """Go to a page and wait until it is loaded."""
        self.driver.get(url)
        # On a busy machine the driver takes a page for loaded whose stylesheet is still on its way.
        loaded = "return document.readyState === 'complete' && location.href !== 'about:blank'"
        self.wait("the page", loaded, timeout_s=30)

    def width(self, pixels: int) -> None:
        """Have a screen of this width; the open page is laid out anew."""
        size = {"width": pixels, "height": _HEIGHTS[pixels], "deviceScaleFactor": 1, "mobile": False}
        self._devtools("Emulation.setDeviceMetricsOverride", **size)

    def scheme(self, scheme: str) -> None:
        """Have a system that prefers light or dark."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self._devtools("Emulation.setEmulatedMedia", features=[feature])

    def scripts(self, on: bool) -> None:
        """Run the scripts of pages that are opened from now on, or don't. What a test asks runs all the same."""
        self._devtools("Emulation.setScriptExecutionDisabled", value=not on)

    def latency(self, seconds: float) -> None:
        """Have a network on which every answer takes this much longer."""
        unbounded = {"downloadThroughput": -1, "uploadThroughput": -1}
        self._devtools("Network.enable")
        self._devtools("Network.emulateNetworkConditions", offline=False, latency=seconds * 1000, **unbounded)

    def arrive(self, path: str) -> None:
        """Wait until a page whose path matches a regular expression is there with its scripts run."""
        self.wait(
            f"the page {path}",
            "return RegExp(arguments[0]).test(location.pathname) && document.readyState === 'complete'",
            path,
        )

    def press(self, *keys: str) -> None:
        """Press keys one after the other, wherever the focus is."""
        for key in keys:
            ActionChains(self.driver, duration=0).send_keys(key).perform()

    def chord(self, modifier: str, key: str) -> None:
        """Press a key while another is held."""
        ActionChains(self.driver, duration=0).key_down(modifier).send_keys(key).key_up(modifier).perform()

    def click(self, selector: str) -> None:
        """Click on the first element that a CSS selector finds."""
        self.driver.find_element("css selector", selector).click()

    def fill(self, selector: str, text: str) -> None:
        """Type into a field, which has the focus then."""
        field = self.driver.find_element("css selector", selector)
        field.clear()
        field.send_keys(text)

    def ask(self, script: str, *arguments: Any) -> Any:
        """What a JavaScript function's body returns."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, what: str, script: str | Callable[[], Any], *arguments: Any, timeout_s: float = 10) -> Any:
        """What the script or function gives, once that is something; fails saying that `what` did not come."""

        def asked(_: object) -> Any:
            return self.ask(script, *arguments) if isinstance(script, str) else script()

        try:
            return WebDriverWait(self.driver, timeout_s, 0.05).until(asked)
        except TimeoutException:
            shown = self.text()[:2000]
            raise AssertionError(
                f"{what} did not come within {timeout_s} s; the page shows\n{shown}"
            ) from None

    @property
    def path(self) -> str:
        """Path and query of the page."""
        return str(self.ask("return location.pathname + location.search"))

    def text(self) -> str:
        """What can be read on the page."""
        return str(self.ask("return document.body ? document.body.innerText : ''"))

    def source_text(self) -> str:
        """The text of the page with what is folded in."""
        return str(self.ask("return document.body.textContent"))

    def problems(self) -> list[str]:
        """Errors of the console, what the content policy refused, dialogs, failed scripts; each told once."""
        # What scripts sent to the console as news or debugging is nobody's problem.
        noted = [entry for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        trapped = self.ask("const found = window.trapped || []; window.trapped = []; return found")
        return [str(entry["message"]) for entry in noted] + trapped

    def requests(self) -> list[str]:
        """URLs that were asked for since the last time, whoever asked."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [each["params"] for each in events if each["method"] == "Network.requestWillBeSent"]
        return [params["request"]["url"] for params in sent]

    def layout(self) -> list[str]:
        """What is wrong with how the page is laid out: too wide, overlapping, cut off."""
        found: list[str] = self.ask(_LAYOUT)
        return found

    def accessibility(self) -> list[str]:
        """What axe-core finds against WCAG 2.2 A and AA."""
        self.ask("if (!window.axe) { (0, eval)(arguments[0]) }", _AXE)
        found = self.driver.execute_async_script(
            "const done = arguments[1];"
            "axe.run(document, {runOnly: arguments[0], resultTypes: ['violations']}).then(done, done)",
            list(_RULES),
        )
        assert "violations" in found, found
        return [_told(each) for each in found["violations"]]

    def screenshot(self, path: Path) -> None:
        """The whole page, as high as it is up to 6,000 pixels, as a PNG file."""
        height = min(int(self.ask("return document.documentElement.scrollHeight")), 6000)
        clip = {"x": 0, "y": 0, "width": self.ask("return innerWidth"), "height": height, "scale": 1}
        taken = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True, "format": "png"}
        )
        path.write_bytes(base64.b64decode(taken["data"]))

    def _devtools(self, command: str, **arguments: Any) -> None:
        self.driver.execute_cdp_cmd(command, arguments)


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser that is closed at the end. Raises BrowserMissing, and says how to install it."""
    chromium, chromedriver = found_programs()
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in _arguments():
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(chromedriver))
    try:
        yield Browser(driver)
    finally:
        driver.quit()


def found_programs() -> tuple[str, str]:
    """Paths of Chromium and its driver. Raises BrowserMissing."""
    chromium = next(filter(None, map(shutil.which, _BROWSERS)), None)
    chromedriver = shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        missing = "Chromium" if chromium is None else "chromedriver"
        raise BrowserMissing(
            f"The tests of the page need Chromium and its driver, and there is no {missing} on the PATH. On Debian: "
            "sudo apt-get install chromium chromium-driver. Elsewhere: Chromium or Chrome, and its chromedriver."
        )
    return chromium, chromedriver


def _arguments() -> list[str]:
    # Every other name than this machine's does not resolve, and every proxy is passed by.
    reachable = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
    plain = ["--headless=new", "--hide-scrollbars", "--no-proxy-server", "--lang=en-GB", reachable]
    # Chromium refuses to start as root with its sandbox, and continuous integration is often root.
    return [*plain, "--no-sandbox"] if os.geteuid() == 0 else plain


def _told(violation: dict[str, Any]) -> str:
    places = "; ".join(f"{node['target']}: {node['html'][:160]}" for node in violation["nodes"][:5])
    why = violation["nodes"][0].get("failureSummary", "").replace("\n", " ")[:300]
    return f"{violation['id']} ({len(violation['nodes'])} times): {places} -- {why}"


if __name__ == "__main__":
    try:
        found_programs()
    except BrowserMissing as missing:
        sys.exit(str(missing))
