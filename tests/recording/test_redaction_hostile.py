"""Texts made to be slow are not: the work grows with the length of the text."""

import gc
import time

import orjson
import pytest

from agent_trace.recording.redaction.redactor import Redactor
from tests.support.planted import PLANTED

REDACTOR = Redactor()
UNITS = [
    "password: ",
    "password=",
    "password: [",
    'password: {"type"',
    "password=a,b=,",
    "password=\\n",
    "cookie: a=b ",
    "cookie: a=b \\\\\\\\",
    'cookie: a="b',
    "mnemonic: your ",
    "seed: ",
    'secret="',
    "\\",
    '\\"',
    "authorization: Digest ",
    "-----BEGIN PRIVATE KEY-----#",
    "-----END PRIVATE KEY----- x ",
    "://a:b@",
    "eyJ",
    "abandon ",
    "1. abandon ",
    "[1,",
    "tx " + PLANTED["ethereum-private-key"].secrets[0] + " ",
    "[redacted:password]",
    '[["password","',
]


def seconds(unit: str, length: int) -> float:
    """The least of three tries, without the garbage of the whole test run being collected in between."""
    line = orjson.dumps({"v": 1, "input": unit * (length // len(unit))}) + b"\n"
    gc.disable()
    try:
        return min(_seconds(line) for _ in range(3))
    finally:
        gc.enable()


def _seconds(line: bytes) -> float:
    start = time.process_time()
    REDACTOR.redact_line(line)
    return time.process_time() - start


@pytest.mark.parametrize("unit", UNITS)
def test_work_grows_with_the_length_of_the_text(unit: str) -> None:
    seconds(unit, 10_000)
    # Eight times the length: eight times the work if linear, sixty-four if quadratic.
    assert seconds(unit, 160_000) < 30 * max(seconds(unit, 20_000), 0.002)


def test_deep_record_is_searched_without_recursion() -> None:
    depth = 240
    secret = PLANTED["github"].text.encode()
    line = (
        b'{"v":1,"input":' + b'{"a":[' * (depth // 2) + b'"' + secret + b'"' + b"]}" * (depth // 2) + b"}\n"
    )
    assert secret not in REDACTOR.redact_line(line)
