"""What is read and what is not, under which names modules are imported, and that nothing is ever run."""

import os
import random
import re
from pathlib import Path

import pytest

from agent_trace.discovery import discover
from agent_trace.discovery.locating import locate
from tests.support.codebases import BASE, openai_model, proposed, write_files

ASKS = "import openai\ndef ask_gpt(p): return openai.OpenAI().chat.completions.create(messages=[p])\n"


@pytest.mark.parametrize(
    ("files", "entry"),
    [
        ({"src/desk/__init__.py": "", "src/desk/llm.py": ASKS}, "desk.llm:ask_gpt"),
        ({"src/desk/llm.py": ASKS, "main.py": "from desk.llm import ask_gpt"}, "desk.llm:ask_gpt"),
        ({"src/llm.py": ASKS, "main.py": "from src.llm import ask_gpt"}, "src.llm:ask_gpt"),
        ({"desk/llm.py": ASKS, "run.py": "import desk.llm"}, "desk.llm:ask_gpt"),
        ({"tools/llm.py": ASKS, "tools/main.py": "from llm import ask_gpt"}, "llm:ask_gpt"),
        (
            {
                "desk/sub/llm.py": ASKS,
                "desk/sub/other.py": "from ..x import y\nfrom .llm import ask_gpt",
                "desk/x.py": "y = 1",
                "m.py": "import desk.x",
            },
            "desk.sub.llm:ask_gpt",
        ),
        ({"llm.py": ASKS}, "llm:ask_gpt"),
        ({"desk/__init__.py": ASKS}, "desk:ask_gpt"),
    ],
    ids=[
        "src layout",
        "src layout without __init__",
        "package called src",
        "namespace",
        "beside a script",
        "relative",
        "script",
        "package",
    ],
)
def test_a_module_has_the_name_that_the_program_imports_it_by(
    tmp_path: Path, files: dict[str, str], entry: str
) -> None:
    assert proposed(tmp_path, files).instrument == [entry]


def test_the_name_is_the_same_when_only_a_part_is_looked_at(tmp_path: Path) -> None:
    write_files(tmp_path, {"desk/__init__.py": "", "desk/models/__init__.py": "", "desk/models/llm.py": ASKS})
    for part in ("desk", "desk/models", "desk/models/llm.py"):
        assert discover(tmp_path / part).instrument == ["desk.models.llm:ask_gpt"]


def test_nothing_is_imported_or_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    proposed(tmp_path, {"pkg/__init__.py": f"open({str(mark)!r}, 'w')\n{ASKS}", "pkg/sub/__init__.py": ASKS})
    assert locate("pkg.sub", tmp_path) == tmp_path / "pkg/sub"
    assert not mark.exists()


def test_installed_hidden_built_and_test_code_is_left_out_and_counted(tmp_path: Path) -> None:
    files = {
        "desk.py": ASKS,
        "venv/pyvenv.cfg": "",
        "venv/lib/x.py": ASKS,
        "node_modules/x.py": ASKS,
        ".hidden/x.py": ASKS,
        "build/x.py": ASKS,
        "tests/x.py": ASKS,
        "test_desk.py": ASKS,
        "conftest.py": ASKS,
        "huge.py": "x = 1\n" * 400_000,
    }
    found = proposed(tmp_path, files)
    assert (found.files, found.instrument) == (1, ["desk:ask_gpt"])
    assert found.skipped == {
        "test file": 3,
        "virtual environment": 1,
        "node_modules": 1,
        "hidden folder": 1,
        "folder of build output": 1,
        "file over 2 MB": 1,
    }


def test_links_in_a_circle_broken_links_and_pipes_are_got_over(tmp_path: Path) -> None:
    write_files(tmp_path, {"desk/llm.py": ASKS})
    (tmp_path / "desk" / "again").symlink_to(tmp_path)
    (tmp_path / "desk" / "itself").symlink_to(tmp_path / "desk" / "itself")
    (tmp_path / "desk" / "gone.py").symlink_to(tmp_path / "nowhere.py")
    (tmp_path / "desk" / "copy.py").symlink_to(tmp_path / "desk" / "llm.py")
    os.mkfifo(tmp_path / "desk" / "pipe.py")
    found = discover(tmp_path)
    assert found.skipped["seen already through a link"] == 1
    assert found.skipped["broken link"] == 1 and found.skipped["special file"] == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"def f(:  # ask a model\n", "line 1"),
        (b"print 'model'\n", "line 1"),
        ("x = 'model'".encode("utf-16"), "NUL"),
        (b"# model\nx = '\xff\xfe'\n", "utf-8|codec|encod"),
        (b"# coding: no-such-encoding\nmodel = 1\n", "encoding|no-such"),
        (b"model = " + b"(" * 5000 + b")" * 5000, "nested|parenthes|too"),
        (b"model = " + b"-" * 100_000 + b"1", ""),
    ],
    ids=["syntax", "python 2", "utf-16", "latin-1 unsaid", "unknown encoding", "parentheses", "depth"],
)
def test_a_file_that_is_no_python_is_named_with_the_reason_and_the_others_are_read(
    tmp_path: Path, content: bytes, why: str
) -> None:
    write_files(tmp_path, {"desk.py": ASKS})
    (tmp_path / "bad.py").write_bytes(content)
    found = discover(tmp_path)
    assert found.instrument == ["desk:ask_gpt"] and found.files == 2
    (bad,) = found.unreadable
    assert bad.path == "bad.py" and re.search(why, bad.why), bad.why


def test_other_encodings_that_are_declared_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"# coding: latin-1\nx = '\xe9'\n" + ASKS.encode())
    (tmp_path / "b.py").write_bytes(
        b"\xef\xbb\xbf" + ASKS.replace("ask_gpt", "ask_llm").replace("\n", "\r\n").encode()
    )
    assert discover(tmp_path).instrument == ["a:ask_gpt", "b:ask_llm"]


@pytest.mark.parametrize("seed", range(4))
def test_no_damage_to_real_sources_ends_the_search(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    for number in range(60):
        source = bytearray((BASE + openai_model("from .base import BaseModel") + ASKS).encode())
        for _ in range(rng.randint(1, 12)):
            source[rng.randrange(len(source))] = rng.choice(b"()[]{}:.*@'\"\\\n \x00\xffaA=,")
        (tmp_path / f"m{number}.py").write_bytes(source)
    found = discover(tmp_path)
    assert found.files == 60 and 0 < len(found.unreadable) < 60


def test_progress_is_told_for_every_file(tmp_path: Path) -> None:
    write_files(tmp_path, {f"m{n}.py": ASKS for n in range(3)})
    told: list[tuple[int, int | None]] = []
    discover(tmp_path, lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_class_in_a_file_that_is_run_itself_says_so(tmp_path: Path) -> None:
    guard = "\nif __name__ == '__main__':\n    ask_gpt('x')\n"
    found = proposed(tmp_path, {"main.py": ASKS + guard, "lib.py": ASKS + guard, "other.py": "import lib"})
    assert {each.entry: each.runs_itself for each in found.functions} == {
        "lib:ask_gpt": False,
        "main:ask_gpt": True,
    }
