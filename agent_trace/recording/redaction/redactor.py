"""Redaction: no secret in what is written. Every line goes through `Redactor.redact_line` before it is stored.

The hot path is one RE2 set over the raw bytes (`gate.py`); only when it fires is the record decoded and searched
(`sweep.py`, `search.py`). The rules are in `rules.py`, those of the user in `user_rules.py`.
"""

import os
import threading
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence

import orjson

from agent_trace.recording.guard import guarded
from agent_trace.recording.redaction import matching
from agent_trace.recording.redaction.rules import DEFAULT_RULES, Rule
from agent_trace.recording.redaction.search import TextSearch
from agent_trace.recording.redaction.sweep import Sweep
from agent_trace.recording.redaction.user_rules import UserRules, checked_rules, rules_without

__all__ = ["DEFAULT_RULES", "STRUCTURAL", "Custom", "Redactor", "Rule"]

STRUCTURAL = frozenset(
    "v kind trace_id id parent_id start_ns end_ns at_ns first_token_ns usage reported_usage cost redactions".split()
)
"""Fields of a record that are ours, numbers or identities: never changed."""

Custom = Callable[[str, object], object]
"""Called with a field's name and its value, as JSON has it; returns what may be written."""

_CUSTOM_FAILED = "custom-failed"
_FAILED_MARK = f"[redacted:{_CUSTOM_FAILED}]"


class Redactor:
    """Hides what the active rules call a secret, in lines of the journal and in texts for people.

    `off`: names of default rules to leave out. `extra`: the user's rules, by name and RE2 pattern; what is hidden
    is the group `secret` of a pattern, or the whole match. `custom(field, value)`: called with every field of every
    record that is not structural; what it returns is kept and searched in its turn; if it raises, or returns what
    JSON cannot hold, that field is dropped.
    Raises SettingError for an unknown rule in `off`, and for a name or pattern in `extra` that cannot be used.
    """

    def __init__(
        self,
        *,
        off: Collection[str] = (),
        extra: Mapping[str, str] | Sequence[Rule] = (),
        custom: Custom | None = None,
    ) -> None:
        self.rules = rules_without(off)
        self._extra = checked_rules(extra)
        self._custom = custom
        self._forget()
        _redactors.add(self)

    def is_clean(self, text: bytes) -> bool:
        """Whether no rule could have anything to say about these bytes, wherever they stand."""
        return self.match(text) is None and self.only_gate

    def redact_line(self, line: bytes, searched: bytes | None = None) -> bytes:
        """The record without secrets, with its `redactions` noted; the very same object when it has none.

        `searched`: what of the line has to be searched, when the rest of it is known to be clean.
        Raises ValueError for a line that is not a JSON object: it cannot be searched, so it must not be written.
        """
        fired = self.match(line if searched is None else searched)
        if fired is None and self.only_gate:
            return line
        return self.second_look(fired or (), line)

    def redact_text(self, text: str) -> str:
        """The text without secrets; the very same object when it has none."""
        hidden, rules = self._compiled().hide(text.encode("utf-8", "replace"), ())
        return hidden.decode("utf-8", "replace") if rules else text

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._search: TextSearch | None = None
        self._user_rules: UserRules | None = None
        self.only_gate = False
        self.match: matching.SetMatch = self._first_match

    def _first_match(self, line: bytes) -> list[int] | None:
        return self._compiled().gate.match(line)

    def _compiled(self) -> TextSearch:
        search = self._search
        if search is None:
            with self._lock:
                search = self._search or self._compile()
        return search

    def _compile(self) -> TextSearch:
        self._user_rules = UserRules(self._extra)
        self._search = search = TextSearch(self.rules, self._user_rules)
        self.only_gate = not self._extra and self._custom is None
        self.match = search.gate.match
        return search

    def second_look(self, fired: Sequence[int], line: bytes) -> bytes:
        """The record without secrets, after the set has fired at these places, or where it is not all there is to ask."""
        search = self._compiled()
        users = self._user_rules
        must = self._custom is not None or (users is not None and (users.need_decoding or users.match(line)))
        if not must and search.gate.dismisses(fired, line):
            return line
        return self._redacted(line, search)

    def _redacted(self, line: bytes, search: TextSearch) -> bytes:
        record = orjson.loads(line)
        if not isinstance(record, dict):
            raise ValueError(
                f"a record is a JSON object, not {type(record).__name__}: not searched, not written"
            )
        sweep = Sweep(search)
        if self._custom is not None:
            _run_custom(self._custom, record, sweep.notes)
        for name, value in record.items():
            if name not in STRUCTURAL:
                record[name] = sweep.field(name, value)
        if not sweep.notes:
            return line
        notes = [{"rule": rule, "path": path} for rule, path in sweep.notes]
        record["redactions"] = [*record.get("redactions", ()), *notes]
        return _line_of(record)


def _run_custom(custom: Custom, record: dict[str, object], notes: dict[tuple[str, str], None]) -> None:
    for name, value in record.items():
        if name in STRUCTURAL:
            continue
        before = orjson.dumps(value)
        after = orjson.dumps(_FAILED_MARK)
        with guarded("running the redact callable"):
            after = orjson.dumps(custom(name, value))
        if after != before:
            record[name] = orjson.loads(after)
            notes[_CUSTOM_FAILED if record[name] == _FAILED_MARK else "custom", name] = None


def _line_of(record: dict[str, object]) -> bytes:
    try:
        return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:  # deeper than can be written: only what identifies the record is kept
        kept = {
            name: value for name, value in record.items() if name in STRUCTURAL or name in ("type", "name")
        }
        kept["redactions"] = [{"rule": "unreadable", "path": ""}]
        return orjson.dumps(kept, option=orjson.OPT_APPEND_NEWLINE)


_redactors: "weakref.WeakSet[Redactor]" = weakref.WeakSet()
_threads_at_fork = 1


def _before_fork() -> None:
    global _threads_at_fork
    _threads_at_fork = threading.active_count()


def _after_fork_in_child() -> None:
    if _threads_at_fork > 1:
        for redactor in list(_redactors):
            matching.renew([redactor._search, redactor._user_rules])
            redactor._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)
