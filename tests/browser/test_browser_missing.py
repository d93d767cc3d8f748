"""A machine without Chromium is told so, and how to get it; no promise is skipped."""

from pathlib import Path

import pytest

from tests.support.browser import BrowserMissing, found_programs


def test_what_is_missing_and_how_to_install_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrowserMissing, match=r"no Chromium.*apt-get install chromium chromium-driver"):
        found_programs()
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    with pytest.raises(BrowserMissing, match="no chromedriver"):
        found_programs()
