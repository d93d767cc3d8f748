"""Redaction rules for what opens a wallet: private keys, extended keys and seed phrases."""

import hashlib
import itertools
import json
from collections.abc import Iterable, Sequence

from agent_trace.recording.redaction.labels import is_labelled_harmless, is_series, unless_harmless
from agent_trace.recording.redaction.mnemonics import has_no_phrase, phrase_spans
from agent_trace.recording.redaction.rule import (
    BASE58,
    EDGE,
    QUOTE,
    SHAPE,
    SPACE,
    Found,
    Rule,
    Span,
    later,
    whole,
)

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_KEYPAIR_LENGTH = 64
_NAME_BEFORE = later(rb"([A-Za-z_]{2,40})[^A-Za-z_]{0,12}\Z")
_DIGITS = later(rb"[0-9]+")

_PHRASE = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
_HEX = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
_SOLANA = "4Z7cXSyeFR8wNGMVXUE1TwtKn5D5Vu7FzEv69dokLv7KrQk7h6pu4LF8ZRR9yQBhc7uSM6RTTZtU1fmaxiNrxXrs"
_KEYPAIR = [(at * 83 + 174) % 256 for at in range(_KEYPAIR_LENGTH)]
_XPRV = "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi"

_LONG_RUN = rf"{EDGE}(?:0[xX])?[0-9A-Za-z]{{50}}"

_WORD = "[A-Za-z]{3,8}"
# Which separators a phrase may have; quoted and numbered words are kept apart from plain ones, or else the gate
# would stop at every other sentence.
_PLAIN = r"(?:[ ,;|\t\r\n]|\\+[nrt]){1,6}"
_QUOTED = rf"{QUOTE}{SPACE}*,{SPACE}*(?:{QUOTE}[0-9]{{1,2}}{QUOTE}:{SPACE}?)?{QUOTE}"
_NUMBERED = r"(?:[ \t\r\n,;|]|\\+[nrt]){1,8}[0-9]{1,2}(?:[.):#\]-]|\s|\\+[nrt]){1,4}"
_SEPARATORS = (_PLAIN, _QUOTED, _NUMBERED)
_PHRASES = "|".join(f"{_WORD}(?:{between}{_WORD}){{11,}}" for between in _SEPARATORS)
_TWELVE_WORDS = "|".join(f"{EDGE}{_WORD}(?:{between}{_WORD}){{11}}" for between in _SEPARATORS)


def looks_like_keypair(values: Sequence[object], labels: Iterable[str]) -> bool:
    """Whether 64 integers are a Solana keypair rather than a series: bytes, unordered, and not labelled otherwise."""
    numbers = [value for value in values if type(value) is int and 0 <= value <= 255]
    if len(values) != _KEYPAIR_LENGTH or len(numbers) != _KEYPAIR_LENGTH:
        return False
    # Neighbours in random bytes differ by 85 on average; in prices, ranges and counters by far less.
    steps = sum(abs(a - b) for a, b in itertools.pairwise(numbers))
    return steps >= 16 * (_KEYPAIR_LENGTH - 1) and not is_series(labels)


def keypair_span(found: Found) -> tuple[Span, ...]:
    """The same question of an array written out in a text; escapes between the numbers are only white space."""
    named = _NAME_BEFORE().search(found.text, max(0, found.start - 60), found.start)
    labels = (named.group(1).decode(),) if named else found.labels
    if not looks_like_keypair(numbers_in(found.secret), labels):
        return ()
    return ((found.start + 1, found.end - 1),)


def numbers_in(array: bytes) -> list[int]:
    """The integers of an array in a text, whatever white space is between them."""
    return [int(digits) for digits in _DIGITS().findall(array)]


def has_valid_checksum(base58: bytes) -> bool:
    """Whether the last four bytes are the checksum of the others (base58check)."""
    number = 0
    for letter in base58.decode("latin-1"):
        number = number * 58 + _ALPHABET.index(letter)
    decoded = number.to_bytes(40, "big").lstrip(b"\0")
    return hashlib.sha256(hashlib.sha256(decoded[:-4]).digest()).digest()[:4] == decoded[-4:]


def wif_span(found: Found) -> Sequence[Span]:
    """A valid checksum settles it; without one, a label may still say that it is something else."""
    return whole(found) if has_valid_checksum(found.secret) else unless_harmless(found)


WALLET_RULES = (
    Rule(
        "ethereum-private-key",
        "64 hexadecimal digits, with or without `0x`, unless labelled as hash, transaction, signature, block, order …",
        rf"{EDGE}(?:0[xX])?(?P<secret>[0-9A-Fa-f]{{64}})\b",
        (
            "0x" + _HEX,
            "use " + _HEX.upper() + " to sign",
            {"wallet": _HEX},
            "hash of the private key 0x" + _HEX,
        ),
        (
            "tx 0x" + _HEX,
            {"tx_hash": "0x" + _HEX},
            {"blockHash": _HEX},
            "https://etherscan.io/tx/0x" + _HEX,
            "sha256:" + _HEX,
            "0x" + _HEX * 2,
            "0x52908400098527886E0F7030069857D2E4169EE7",
            {"hashes": ["0x" + _HEX, "0x" + _HEX]},
        ),
        unless_harmless,
        gate=_LONG_RUN,
        dismiss=is_labelled_harmless,
        signs=(SHAPE,),
    ),
    Rule(
        "solana-private-key",
        "87 or 88 base58 digits, and arrays of 64 byte values, unless labelled as signature, transaction …",
        rf"{EDGE}(?P<secret>{BASE58}{{87,88}})\b",
        (_SOLANA, "key: " + _SOLANA),
        ({"signature": _SOLANA}, "tx " + _SOLANA, "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"),
        unless_harmless,
        gate=_LONG_RUN,
        dismiss=is_labelled_harmless,
        signs=(SHAPE,),
    ),
    Rule(
        "solana-keypair",
        "a Solana keypair file: an array of 64 byte values",
        rf"\[{SPACE}*(?:[0-9]{{1,3}}{SPACE}*,{SPACE}*){{63}}[0-9]{{1,3}}{SPACE}*\]",
        (
            _KEYPAIR,
            json.dumps(_KEYPAIR),
            {"id": {"wallet": _KEYPAIR}},
            json.dumps(json.dumps(_KEYPAIR, indent=1)),
        ),
        ({"prices": _KEYPAIR}, list(range(64)), [101 + n % 3 for n in range(64)], _KEYPAIR[1:]),
        keypair_span,
        gate=rf"\[{SPACE}*(?:[0-9]{{1,3}}{SPACE}*,{SPACE}*){{24}}",
        dismiss=lambda found: not looks_like_keypair(numbers_in(found.secret), ()),
        signs=(SHAPE,),
    ),
    Rule(
        "wif",
        "Bitcoin private keys in wallet import format",
        rf"{EDGE}(?P<secret>(?:5[HJK]{BASE58}{{49}}|[KL]{BASE58}{{51}}))\b",
        (
            "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ",
            {"tx": "KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn"},
        ),
        (
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
            {"id": "KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWz"},
        ),
        wif_span,
        gate=_LONG_RUN,
        dismiss=lambda found: is_labelled_harmless(found) and not has_valid_checksum(found.secret),
        signs=(SHAPE,),
    ),
    Rule(
        "extended-private-key",
        "extended private keys (`xprv`, `yprv`, `zprv`, `tprv` …)",
        rf"{EDGE}(?P<secret>[xyztuvYZUV]prv{BASE58}{{90,}})",
        (_XPRV, "z" + _XPRV[1:]),
        ("xpub" + _XPRV[4:], "xprv is a prefix"),
        starts="[xyztuvYZUV]prv",
    ),
    Rule(
        "mnemonic",
        "BIP-39 seed phrases of 12 to 24 English words with a valid checksum, also numbered or as a list",
        _PHRASES,
        (
            _PHRASE,
            "words: " + _PHRASE.title().replace(" ", ", ") + " thanks",
            "\n".join(f"{n}. {word}" for n, word in enumerate(_PHRASE.split(), 1)),
            _PHRASE.split(),
            json.dumps({"words": _PHRASE.replace(" ", "\n")}),
        ),
        (
            "abandon " * 12,
            "the market may rise this week and traders should watch their open risk with care",
            ["abandon"] * 12,
        ),
        phrase_spans,
        gate=_TWELVE_WORDS,
        dismiss=has_no_phrase,
        signs=(SHAPE,),
    ),
)
