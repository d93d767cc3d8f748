"""The settings table: every setting with its name, variables, kind of value, default and meaning. Reads nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

STORE_NAME: Final = ".agent_trace"
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})
_SIZES: Final = {
    "": 1,
    "b": 1,
    "kib": 1 << 10,
    "kb": 1000,
    "mib": 1 << 20,
    "mb": 1000**2,
    "gib": 1 << 30,
    "gb": 1000**3,
}


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError("say true or false")


def _size(text: str) -> int:
    number = text.strip().lower()
    unit = number.lstrip("0123456789._ ")
    if unit not in _SIZES:
        raise ValueError("say a number of bytes, or one with KiB, MiB or GiB")
    return _positive(_number(number.removesuffix(unit)) * _SIZES[unit])


def _count(text: str) -> int:
    return _positive(_number(text))


def _positive(number: float) -> int:
    if not 1 <= number < 1 << 62:
        raise ValueError("say a number above 0")
    return int(number)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("say a number") from None


def _seconds(text: str) -> float:
    number = _number(text)
    if not 0 <= number < 1e9:
        raise ValueError("say a number of seconds, 0 or more")
    return number


def _days(text: str) -> float:
    number = _number(text)
    if not 0 < number < 1e6:
        raise ValueError("say a number of days above 0")
    return number


def _directory(text: str) -> Path:
    if "\0" in text:
        raise ValueError("say a directory")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError("there is no such user") from None


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace("\n", ",").split(",") if part.strip())


def _patterns(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines() if line.strip())
    rules = {name.strip(): pattern.strip() for name, _, pattern in pairs}
    if not all(name and pattern for name, pattern in rules.items()):
        raise ValueError("say one NAME = PATTERN a line")
    return rules


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. `variables` are tried in order; `read` turns text into the value or raises ValueError."""

    name: str
    variables: tuple[str, ...]
    read: Callable[[str], Any]
    default: Any
    meaning: str
    secret: bool = False


TABLE: Final[tuple[Setting, ...]] = (
    Setting(
        "enabled",
        ("ENABLE_LANGFUSE",),
        _boolean,
        True,
        "Record at all. Off costs under a microsecond a call.",
    ),
    Setting(
        "directory",
        ("AGENT_TRACE_DIR",),
        _directory,
        None,
        f"Where observations are kept. Default: `{STORE_NAME}` at the project's root.",
    ),
    Setting("public_key", ("LANGFUSE_PUBLIC_KEY",), str, None, "Langfuse project key, `pk-lf-…`."),
    Setting(
        "secret_key", ("LANGFUSE_SECRET_KEY",), str, None, "Langfuse secret key, `sk-lf-…`.", secret=True
    ),
    Setting(
        "base_url",
        ("LANGFUSE_BASE_URL", "LANGFUSE_HOST"),
        str,
        "https://cloud.langfuse.com",
        "Where Langfuse answers.",
    ),
    Setting(
        "flush_interval_s",
        ("LANGFUSE_FLUSH_INTERVAL",),
        _seconds,
        5.0,
        "Seconds between two deliveries to a backend. Without effect in this version, which keeps all on this machine.",
    ),
    Setting(
        "capture_input", ("LANGFUSE_CAPTURE_INPUT",), _boolean, True, "Record the arguments of traced calls."
    ),
    Setting(
        "capture_output", ("LANGFUSE_CAPTURE_OUTPUT",), _boolean, True, "Record what traced calls return."
    ),
    Setting(
        "max_field_bytes",
        ("AGENT_TRACE_MAX_FIELD_BYTES",),
        _size,
        1 << 20,
        "Longest input or output that is kept whole, in bytes of JSON; what is longer is cut and says so.",
    ),
    Setting(
        "max_nodes",
        ("AGENT_TRACE_MAX_NODES",),
        _count,
        20_000,
        "Most values (numbers, strings, containers) kept of one input or output.",
    ),
    Setting(
        "max_depth", ("AGENT_TRACE_MAX_DEPTH",), _count, 32, "Deepest nesting kept of one input or output."
    ),
    Setting(
        "segment_bytes",
        ("AGENT_TRACE_SEGMENT_BYTES",),
        _size,
        8 << 20,
        "Size at which a journal file is rotated.",
    ),
    Setting(
        "max_store_bytes",
        ("AGENT_TRACE_MAX_STORE_BYTES",),
        _size,
        5 << 30,
        "Size of all journal files above which the oldest are removed.",
    ),
    Setting(
        "max_age_days",
        ("AGENT_TRACE_MAX_AGE_DAYS",),
        _days,
        None,
        "Days after which a journal file is removed, when the next one is begun. Default: never.",
    ),
    Setting(
        "fsync_s",
        ("AGENT_TRACE_FSYNC_S",),
        _seconds,
        None,
        "Seconds between two forced writes to the device, against power loss. Default: the kernel decides.",
    ),
    Setting(
        "threads",
        ("AGENT_TRACE_THREADS",),
        _boolean,
        True,
        "Carry the current trace into threads and thread pools.",
    ),
    Setting("quiet", ("AGENT_TRACE_QUIET",), _boolean, False, "Print no notices on stderr."),
    Setting("redact_off", ("AGENT_TRACE_REDACT_OFF",), _names, (), "Redaction rules to switch off, by name."),
    Setting(
        "redact_rules",
        ("AGENT_TRACE_REDACT_RULES",),
        _patterns,
        {},
        "Redaction rules of your own, `name = pattern` (RE2 syntax), one a line.",
    ),
    Setting(
        "environment",
        ("AGENT_TRACE_ENVIRONMENT", "LANGFUSE_TRACING_ENVIRONMENT"),
        str,
        None,
        "Name of the deployment (`production`, `staging`), kept with each observation.",
    ),
    Setting(
        "release",
        ("AGENT_TRACE_RELEASE", "LANGFUSE_RELEASE"),
        str,
        None,
        "Version of your program, kept with each observation.",
    ),
    Setting(
        "service_name", ("OTEL_SERVICE_NAME",), str, None, "Name of your program, kept with each observation."
    ),
)
