"""BIP-39 phrases: which runs of words are a wallet's seed phrase, by the word list and the checksum.

https://github.com/bitcoin/bips/blob/master/bip-0039.mediawiki; the English list, which nearly all wallets use.
"""

import functools
import hashlib
from collections.abc import Iterator, Sequence

from agent_trace.recording.redaction.rule import Found, Span, later

LENGTHS = (24, 21, 18, 15, 12)
SHORTEST = min(LENGTHS)
_NO_PROSE = 100
"""So many words of the list in a row are no prose (which has "the" and "of", and the list has not), and a phrase by
chance nearly always: they are hidden whole, where to try every place for a checksum would take seconds."""
_WORD = later(rb"(?:(?<![A-Za-z\\])|(?<=\\[nrt]))[A-Za-z]{3,8}(?![A-Za-z])")
_LETTERS = later(rb"[a-z]+")
_ESCAPES = later(rb"\\{1,9}[nrt]")


@functools.cache
def _positions() -> dict[bytes, int]:
    # Loading the list takes milliseconds: only once a text has a run of words that could be a phrase.
    from mnemonic import Mnemonic

    return {word.encode(): at for at, word in enumerate(Mnemonic("english").wordlist)}


def has_valid_checksum(numbers: Sequence[int]) -> bool:
    """Whether the words at these places in the list end in the checksum of what they encode."""
    bits = 11 * len(numbers)
    joined = functools.reduce(lambda value, number: value << 11 | number, numbers, 0)
    check_bits = bits // 33
    entropy = (joined >> check_bits).to_bytes((bits - check_bits) // 8, "big")
    return hashlib.sha256(entropy).digest()[0] >> (8 - check_bits) == joined & ((1 << check_bits) - 1)


def phrases_in(words: Sequence[bytes]) -> Iterator[Span]:
    """Where phrases lie in a list of words, as (first, past the last); the longest where several begin."""
    positions = _positions()
    numbers = [positions.get(word.lower(), -1) for word in words]
    at, end = 0, _end_of_run(numbers, 0)
    while at + SHORTEST <= len(numbers):
        if at >= end:
            at += 1
            end = _end_of_run(numbers, at)
            continue
        if end - at >= _NO_PROSE:
            yield at, end
            at = end
            continue
        length = next((n for n in LENGTHS if at + n <= end and has_valid_checksum(numbers[at : at + n])), 0)
        if length:
            yield at, at + length
        at += length or 1


def _end_of_run(numbers: Sequence[int], start: int) -> int:
    return next((at for at in range(start, len(numbers)) if numbers[at] < 0), len(numbers))


def has_no_phrase(found: Found) -> bool:
    """Whether a run of words in a raw line is certainly none: a cheap look for twelve words of the list in a row."""
    words = _LETTERS().findall(_ESCAPES().sub(b" ", found.secret).lower())
    known = bytes(map(_positions().__contains__, words))
    return b"\1" * SHORTEST not in known


def phrase_spans(found: Found) -> Sequence[Span]:
    """The verdict of the mnemonic rule: every phrase with a valid checksum inside the run of words found."""
    words = list(_WORD().finditer(found.text, found.start, found.end))
    spans = phrases_in([word.group() for word in words])
    return [(words[first].start(), words[last - 1].end()) for first, last in spans]
