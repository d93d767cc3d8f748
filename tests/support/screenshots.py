"""Pictures of every page of the demo's store, and of a trace that runs and has scores, at three widths, light and dark.

`python -m tests.support.screenshots FOLDER`

Options: `--store DIR` for another store, `--only NAME` for pages whose name begins so.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.browser import SCHEMES, WIDTHS, Browser, browser
from tests.support.cli import clean_environment
from tests.support.running import Running, judged_desk
from tests.support.sites import Site, site
from tests.support.walks import CHARTS, PAGES, path_of


def main() -> None:
    """Take them all."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.screenshots", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--store", type=Path, help="default: a new one that the demo records")
    parser.add_argument("--only", default="", help="the beginning of a page's name")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with browser() as window:
        with _store(options.store) as store, site(store) as shown:
            for page in PAGES:
                if page.startswith(options.only):
                    _take(window, shown, page, path_of(page, shown), options.folder)
        with (
            tempfile.TemporaryDirectory() as folder,
            Running(Path(folder) / "store", began_ago_s=2) as running,
        ):
            paths = {"scores": judged_desk(running), "running trace": running.page}
            with site(running.directory) as shown:
                for page, path in paths.items():
                    if page.startswith(options.only):
                        _take(window, shown, page, path, options.folder)
    print(f"{len(list(options.folder.glob('*.png')))} pictures are in {options.folder}")


def _take(window: Browser, shown: Site, page: str, path: str, folder: Path) -> None:
    for width in WIDTHS:
        window.width(width)
        window.open(shown.url + path)
        if page in CHARTS:
            window.wait("a chart", "return document.querySelector('.js-plotly-plot .main-svg') !== null")
        for scheme in SCHEMES:
            window.scheme(scheme)
            window.screenshot(folder / f"{page.replace(' ', '-')}-{width}-{scheme}.png")


@contextmanager
def _store(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "demo"
        environment = clean_environment(AGENT_TRACE_DIR=str(store))
        command = [sys.executable, "-m", "agent_trace", "demo"]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, timeout=120)
        yield store


if __name__ == "__main__":
    main()
