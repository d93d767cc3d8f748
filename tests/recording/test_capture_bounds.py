"""What `capture` promises about size: bounds hold, cuts say what was there, no half of a secret is left."""

import json
import threading
from typing import Any

import pytest

from agent_trace.recording.capturing.capture import Limits, capture
from agent_trace.recording.capturing.cutting import Excerpt
from agent_trace.recording.capturing.plain import survey
from tests.support import hostile

LIMITS = Limits()
SLACK_BYTES = 8_192
KEY = "0x" + "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"


PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"


def hide_phrases(text: str) -> str:
    return text.replace(PHRASE, "[redacted:test]")


def hide_keys(text: str) -> str:
    return text.replace(KEY, "[redacted:test]")


def test_cut_text_says_its_original_size_in_place_and_aside() -> None:
    encoded, cuts = capture({"prompt": "word " * 2_097_152}, LIMITS, "input")
    assert json.loads(encoded)["prompt"].endswith("…[cut: 10,485,760 characters]")
    assert cuts is not None
    assert cuts[0]["path"] == "input.prompt"
    assert cuts[0]["of"] == 10_485_760
    assert 1_000_000 < cuts[0]["kept"] < LIMITS.max_bytes
    assert cuts[0]["unit"] == "characters"


@pytest.mark.parametrize("text", ["\x00" * 400_000, "é😀" * 300_000, "\ud800" * 400_000, '"' * 900_000])
def test_bytes_are_counted_not_characters(text: str) -> None:
    encoded, _ = capture([text], LIMITS, "input")
    assert len(encoded) <= LIMITS.max_bytes + SLACK_BYTES
    assert len(encoded) > LIMITS.max_bytes // 2
    json.loads(encoded)


def test_newest_message_survives_a_huge_document_before_it() -> None:
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "doc " * 2_000_000},
        {"role": "user", "content": "What is the newest price?"},
    ]
    encoded, cuts = capture({"messages": messages, "model": "gpt"}, LIMITS, "input")
    kept = json.loads(encoded)
    assert kept["messages"][0] == messages[0]
    assert kept["messages"][2] == messages[2]
    assert kept["model"] == "gpt"
    assert [cut["path"] for cut in cuts or []] == ["input.messages[1].content"]
    assert len(encoded) > LIMITS.max_bytes * 0.9


def test_long_conversation_keeps_its_beginning_and_its_end() -> None:
    messages = [{"role": "user", "content": f"message {number} " + "x " * 1500} for number in range(2_000)]
    encoded, cuts = capture({"messages": messages}, LIMITS, "input")
    kept = json.loads(encoded)["messages"]
    assert kept[0] == messages[0]
    assert kept[-1] == messages[-1]
    marker = next(item for item in kept if isinstance(item, str))
    assert "of 2,000 items]" in marker
    assert cuts is not None
    assert cuts[-1] | {"kept": 0} == {"path": "input.messages", "kept": 0, "of": 2000, "unit": "items"}


def test_number_of_nodes_is_bounded_and_both_ends_kept() -> None:
    encoded, cuts = capture(list(range(1_000_000)), LIMITS, "input")
    kept = json.loads(encoded)
    assert kept[0] == 0
    assert kept[-1] == 999_999
    assert len(kept) <= LIMITS.max_nodes + 1
    assert cuts is not None
    assert cuts[0]["of"] == 1_000_000


def test_wide_dict_is_bounded() -> None:
    encoded, cuts = capture({str(number): number for number in range(100_000)}, LIMITS, "input")
    kept = json.loads(encoded)
    assert kept["0"] == 0
    assert kept["99999"] == 99_999
    assert "of 100,000 entries]" in kept["…"]
    assert cuts is not None


def test_nesting_is_bounded() -> None:
    encoded, cuts = capture(hostile.deep_list(1000), LIMITS, "input")
    assert encoded.count(b"[") == LIMITS.max_depth + 1  # the marker has one, too
    assert cuts == [{"path": "input" + "[0]" * 32, "kept": 0, "of": 1, "unit": "items"}]


def test_structure_that_repeats_itself_does_not_explode() -> None:
    laughs: list[Any] = ["ha"]
    for _ in range(30):
        laughs = [laughs] * 10
    encoded, _ = capture(laughs, LIMITS, "input")
    assert len(encoded) <= LIMITS.max_bytes + SLACK_BYTES


@pytest.mark.parametrize("max_bytes", [0, 10, 100, 1_000, 10_000])
def test_small_limits_hold(max_bytes: int) -> None:
    value = {"messages": [{"role": "user", "content": "x " * 500}] * 20, "objects": hostile.everything()}
    encoded, _ = capture(value, Limits(max_bytes, 200, 8), "input")
    assert len(encoded) <= max_bytes + SLACK_BYTES
    json.loads(encoded)


@pytest.mark.parametrize("at", range(40, 140, 3))
def test_secret_lying_across_a_cut_is_hidden_before_the_cut(at: int) -> None:
    limits = Limits(max_bytes=150)
    text = "a " * (at // 2) + KEY + " b" * 20_000
    encoded, cuts = capture(text, limits, "input", hide_keys)
    assert cuts is not None
    assert "4c0883a6" not in encoded.decode()


@pytest.mark.parametrize("secrets", [0, 1, 30, 200])
def test_text_shortened_by_redaction_shows_no_half_of_a_secret_at_the_edge_of_what_was_read(
    secrets: int,
) -> None:
    for offset in range(0, 80, 7):
        text = "y " * max(0, 6_500 - 38 * secrets) + "z" * offset + " " + f"{PHRASE} " * (secrets + 300)
        encoded, _ = capture(text, Limits(max_bytes=5_000), "input", hide_phrases)
        assert b"winner" not in encoded


def test_same_text_many_times_over_is_too_big_for_the_quick_look() -> None:
    assert survey(["x" * 1_000, 1] * 20, 10_000, 1_000, 32) is None
    assert survey(["x" * 1_000] * 60, 10_000, 1_000, 32) is None
    assert survey(["x" * 1_000, 1] * 20, 30_000, 1_000, 32) == (10_000, 960)


def test_partial_word_at_a_cut_is_dropped() -> None:
    encoded, _ = capture("secret-word " * 100, Limits(max_bytes=200), "input")
    words = json.loads(encoded).partition("…")[0].split()
    assert set(words) == {"secret-word"}


@pytest.mark.parametrize("numbers", [64, 128])
@pytest.mark.parametrize("max_bytes", [50, 200, 400, 700])
def test_short_list_of_numbers_is_kept_whole_or_not_at_all(numbers: int, max_bytes: int) -> None:
    key = list(range(100, 100 + numbers))
    for value in ({"key": key}, [key], [object(), key], ["x" * 30, key, "y" * 30]):
        text = capture(value, Limits(max_bytes=max_bytes), "input")[0].decode()
        assert str(key).replace(" ", "") in text or "100,101" not in text


def test_short_list_of_numbers_is_whole_when_nodes_run_out_too() -> None:
    keys = [[*range(100, 164)] for _ in range(50)]
    for kept in json.loads(capture(keys, Limits(max_nodes=500), "input")[0]):
        assert isinstance(kept, str) or len(kept) == 64


def test_mnemonic_as_a_list_of_words_is_kept_whole_or_not_at_all() -> None:
    words = ["legal", "winner", "thank", "year", "wave", "sausage", "worth", "useful"] * 3
    text = capture(["x" * 60, words], Limits(max_bytes=160), "input")[0].decode()
    assert "legal" not in text


def test_long_repr_is_cut_short() -> None:
    encoded, cuts = capture([hostile.LongRepr()], LIMITS, "input")
    assert len(encoded) < 5_000
    assert cuts == [
        {"path": "input[0]", "kept": cuts[0]["kept"] if cuts else 0, "of": 500_000, "unit": "characters"}
    ]


def test_long_key_is_cut() -> None:
    encoded, cuts = capture({"k" * 10_000: [object()]}, LIMITS, "input")
    assert len(encoded) < 2_000
    assert cuts


def test_notes_about_cuts_are_bounded() -> None:
    _, cuts = capture([hostile.deep_list(50) for _ in range(200)], LIMITS, "input")
    assert cuts is not None
    assert len(cuts) == 64


def test_excerpt_says_how_long_the_whole_was() -> None:
    encoded, cuts = capture({"text": Excerpt.of("the beginning ", 9_999)}, LIMITS, "output")
    assert json.loads(encoded) == {"text": "the…[cut: 9,999 characters]"}
    assert cuts == [{"path": "output.text", "kept": 3, "of": 9999, "unit": "characters"}]


def test_dict_that_another_thread_keeps_changing_is_captured() -> None:
    shared: dict[Any, Any] = {f"key {number}": [number] for number in range(200)}
    stop = threading.Event()

    def change() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            shared[f"new {number % 500}"] = {"n": number}
            shared.pop(f"new {(number * 7) % 500}", None)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(300):
            assert "key 0" in json.loads(capture({"state": shared}, LIMITS, "input")[0])["state"]
            assert "key 0" in json.loads(capture({"state": shared, 1: object()}, LIMITS, "input")[0])["state"]
    finally:
        stop.set()
        thread.join()
