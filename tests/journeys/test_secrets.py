"""Secrets of every default rule, planted in a real program: in no file of the store, no exported line, no message."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.planted import HARMLESS, PLANTED

PROGRAM = """
import asyncio, json, sys
from agent_trace import ObservabilityContext, observe_llm

given = json.load(open(sys.argv[1]))

@observe_llm(as_type="agent")
def desk(text, **details):
    ObservabilityContext.add_agent_metadata("desk", text, note=text, details=details)
    ObservabilityContext.add_trading_signal(text, text, text, symbol=text, why=details)
    ObservabilityContext.add_error(ValueError(text), context=details)
    ObservabilityContext.add_handoff(text, text, valid=False, reason=text)
    ObservabilityContext.score(text, text, comment=text)
    return {"answer": text, "details": details, text: 1}

@observe_llm
def fails(text):
    raise RuntimeError(text)

@observe_llm
def streams(text):
    for start in range(0, len(text), 7):
        yield text[start:start + 7]

@observe_llm
async def asks(messages):
    return messages

for planted in given:
    text, structure = planted["text"], planted["structure"]
    with ObservabilityContext.scope(tenant_id=text, session_id=text, user_id=text):
        desk("x" * 2_000 + " " + text + " " + "y " * 600, structure=structure)
        observe_llm(lambda: None, name=text)()
        try:
            fails(text)
        except RuntimeError:
            pass
        list(streams(text))
        asyncio.run(asks([{"role": "user", "content": text}, {"role": "tool", "content": json.dumps(structure)}]))
        asyncio.run(asks(structure))
        ObservabilityContext.add_trading_signal("LATE", 1, text, details=structure)
        for limit in (1_000, 8_000, 32_000, 65_536, 1_048_576):
            desk(("momentum, " * 200_000)[: limit - len(text) // 2 - 1] + " " + text)
"""

BENIGN = """
import json, sys
from agent_trace import observe_llm
for value in json.load(open(sys.argv[1])):
    observe_llm(lambda given: given)(value)
"""


def recorded(directory: Path, program: str, given: object) -> tuple[bytes, bytes, bytes]:
    """Run a program on `given`: what all files of the store hold, what is exported, what was said."""
    (directory / "program.py").write_text(program)
    (directory / "given.json").write_text(json.dumps(given))
    environment = {**os.environ, "AGENT_TRACE_DIR": str(directory / "store")}

    def run(*command: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, *command], capture_output=True, cwd=directory, env=environment, check=True
        )

    done = run("program.py", "given.json")
    said = done.stdout + done.stderr
    exported = b""
    for arguments in (
        ["export"],
        ["export", "--raw"],
        ["export", "--format", "csv"],
        ["list", "--json"],
        ["search", "x"],
    ):
        each = run("-m", "agent_trace", *arguments)
        exported += each.stdout
        said += each.stderr
    kept = b"".join(path.read_bytes() for path in (directory / "store").rglob("*") if path.is_file())
    return kept, exported, said


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes, bytes]:
    given = [{"text": each.text, "structure": each.structure} for each in PLANTED.values()]
    return recorded(tmp_path_factory.mktemp("planted"), PROGRAM, given)


@pytest.mark.parametrize("rule", PLANTED)
def test_a_secret_is_in_no_file_no_export_and_no_message(
    everything: tuple[bytes, bytes, bytes], rule: str
) -> None:
    for secret in PLANTED[rule].secrets:
        spellings = {secret.encode(), json.dumps(secret)[1:-1].encode(), secret.encode().hex().encode()}
        for where, content in zip(("store", "export", "message"), everything, strict=True):
            for spelling in spellings:
                at = content.find(spelling)
                assert at < 0, f"in the {where}: …{content[max(0, at - 200) : at + 100]!r}"


def test_every_rule_left_its_mark(everything: tuple[bytes, bytes, bytes]) -> None:
    kept, _, _ = everything
    assert [rule for rule in PLANTED if f"[redacted:{rule}".encode() not in kept] == []


def test_what_is_harmless_stays_as_it_was(tmp_path: Path) -> None:
    values = list(HARMLESS.values())
    _, exported, _ = recorded(tmp_path, BENIGN, values)
    lines = [json.loads(line) for line in exported.splitlines() if line.startswith(b'{"v"')]
    outputs = [
        line["output"] for line in lines if line["kind"] == "observation" and line["output"] is not None
    ]
    assert all(value in outputs for value in values)
    assert all(not line.get("redactions") for line in lines)
