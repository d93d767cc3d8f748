"""The slow path of redaction for one record: every key, text, list and mapping of it.

It walks with a stack of its own: the caller's program may be near its recursion limit.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from agent_trace.recording.redaction.announced import is_secret
from agent_trace.recording.redaction.mnemonics import SHORTEST, phrases_in
from agent_trace.recording.redaction.rule import mark
from agent_trace.recording.redaction.rules_wallets import looks_like_keypair
from agent_trace.recording.redaction.search import TextSearch

_NAMING_KEYS = ("name", "key", "header", "field", "label")
_VALUE_KEYS = ("value", "val")
_LABELS_USED = 2
_LONGEST_WORD = 10


class Place(NamedTuple):
    """Where a value lies: below which place, under which key or index, and what else names it."""

    above: "Place | None"
    step: str | int
    alias: str | None = None

    def path(self) -> str:
        """The place in words, such as `input.messages[2].content`."""
        steps: list[str] = []
        place: Place | None = self
        while place is not None:
            steps.append(f"[{place.step}]" if isinstance(place.step, int) else f".{place.step}")
            place = place.above
        return "".join(reversed(steps)).removeprefix(".")

    def labels(self) -> tuple[str, ...]:
        """The names it stands under, nearest first."""
        found: list[str] = []
        place: Place | None = self
        while place is not None and len(found) < _LABELS_USED:
            if place.alias:
                found.append(place.alias)
            if isinstance(place.step, str):
                found.append(place.step)
            place = place.above
        return tuple(found)


class Sweep:
    """One pass over one record: replaces in place what must not be written, and notes what and where."""

    def __init__(self, search: TextSearch) -> None:
        self._search = search
        self._names = search.names
        self._stack: list[tuple[dict[str, object] | list[object], Place]] = []
        self.notes: dict[tuple[str, str], None] = {}

    def field(self, name: str, value: object) -> object:
        """A field of the record without its secrets."""
        place = Place(None, name)
        value = self._value(value, place)
        while self._stack:
            inside, place = self._stack.pop()
            if isinstance(inside, dict):
                self._mapping(inside, place)
            else:
                self._sequence(inside, place)
        return value

    def _note(self, rule: str, place: Place) -> None:
        self.notes[rule, place.path()] = None

    def _value(self, value: object, place: Place) -> object:
        if isinstance(value, str):
            return self._text(value, place)
        if isinstance(value, (dict, list)):
            self._stack.append((value, place))
        return value

    def _text(self, text: str, place: Place) -> str:
        if not text or self._search.is_plain_name(text):
            return text
        encoded = text.encode()
        cleaned, rules = self._search.hide(encoded, _Labels(place))
        for rule in rules:
            self._note(rule, place)
        return text if cleaned is encoded else cleaned.decode("utf-8", "replace")

    def _mapping(self, mapping: dict[str, object], place: Place) -> None:
        self._hide_words(list(mapping), list(mapping.values()), mapping, place)
        alias = self._alias(mapping)
        result: dict[str, object] = {}
        for key, value in mapping.items():
            new_key = self._key(key, place, result)
            here = Place(place, new_key, alias if key in _VALUE_KEYS else None)
            result[new_key] = self._named(key, value, here, here.alias)
        mapping.clear()
        mapping.update(result)

    def _key(self, key: str, place: Place, taken: dict[str, object]) -> str:
        if key not in taken and self._search.is_plain_name(key):
            return key
        encoded = key.encode()
        cleaned_bytes, rules = self._search.hide(encoded, _Labels(place))
        if not rules and key not in taken:
            return key
        cleaned = cleaned_bytes.decode("utf-8", "replace")
        for rule in rules:
            self._note(rule, Place(place, cleaned))
        distinct, count = cleaned, 2
        while distinct in taken:
            distinct, count = f"{cleaned} ({count})", count + 1
        return distinct

    def _named(self, key: str, value: object, place: Place, alias: str | None) -> object:
        for name in (key, alias):
            rule = self._names.rule_of(name) if name else None
            if rule and name and is_secret(rule, name, value):
                self._note(rule, place)
                return mark(rule)
        return self._value(value, place)

    def _alias(self, mapping: dict[str, object]) -> str | None:
        if not any(key in mapping for key in _VALUE_KEYS):
            return None
        named = (mapping.get(key) for key in _NAMING_KEYS)
        return next((name for name in named if isinstance(name, str)), None)

    def _sequence(self, items: list[object], place: Place) -> None:
        self._hide_words(range(len(items)), items, items, place)
        if "solana-keypair" in self._search.active and looks_like_keypair(items, place.labels()):
            self._note("solana-keypair", place)
            items[:] = [mark("solana-keypair")]
            return
        pairs = bool(items) and all(_is_pair(item) for item in items)
        for at, item in enumerate(items):
            here = Place(place, at)
            if pairs:
                self._hide_second(item, here)
            items[at] = self._value(item, here)
            if isinstance(item, str) and item.startswith("--"):
                self._hide_after_flag(item, items, at + 1, place)

    def _hide_after_flag(self, flag: str, arguments: list[object], at: int, place: Place) -> None:
        """The argument that follows `--password` in a list of a command's arguments."""
        rule = self._names.rule_of(flag) if at < len(arguments) else None
        if rule and is_secret(rule, flag, arguments[at]) and not str(arguments[at]).startswith("-"):
            self._note(rule, Place(place, at))
            arguments[at] = mark(rule)

    def _hide_second(self, pair: Any, place: Place) -> None:
        rule = self._names.rule_of(pair[0])
        if rule and is_secret(rule, pair[0], pair[1]):
            self._note(rule, Place(place, 1))
            pair[1] = mark(rule)

    def _hide_words(self, keys: Sequence[Any], items: list[object], container: Any, place: Place) -> None:
        if len(items) < SHORTEST or "mnemonic" not in self._search.active:
            return
        words = [
            item.strip().encode() if isinstance(item, str) and len(item) <= _LONGEST_WORD else b""
            for item in items
        ]
        for first, last in list(phrases_in(words)):
            self._note("mnemonic", place)
            for at in range(first, last):
                container[keys[at]] = mark("mnemonic")


class _Labels:
    """The labels of a place, looked up only when a verdict asks for them."""

    __slots__ = ("_place",)

    def __init__(self, place: Place) -> None:
        self._place = place

    def __iter__(self) -> Iterator[str]:
        return iter(self._place.labels())


def _is_pair(item: object) -> bool:
    return isinstance(item, list) and len(item) == 2 and isinstance(item[0], str)
