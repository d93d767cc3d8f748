"""The values of all settings, and the one place where environment, `.env` and configuration files are read.

Argument > environment > `.env` > `[tool.agent_trace]` in pyproject.toml or `[agent_trace]` in setup.cfg > default.
A value that cannot be used in any of the files is a `problem` in words and the next source counts; only an
argument, which a developer has just typed, raises `SettingError`.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from agent_trace.errors import SettingError
from agent_trace.settings_table import COMPILED, STORE_NAME, TABLE, Setting

_ROOT_MARKERS: Final = (STORE_NAME, "pyproject.toml", "setup.cfg", ".git")

SPOKEN_PROTOCOL: Final = "http/protobuf"
_IN_RESOURCE: Final = {
    "service_name": ("service.name",),
    "environment": ("deployment.environment.name", "deployment.environment"),
    "release": ("service.version",),
}

_BY_NAME: Final = {setting.name: setting for setting in TABLE}
_VARIABLES: Final = {variable: setting for setting in TABLE for variable in setting.variables}


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings with their values. `origins` says for each name where its value came from."""

    enabled: bool
    directory: Path
    public_key: str | None
    secret_key: str | None = field(repr=False)
    base_url: str
    flush_interval_s: float
    capture_input: bool
    capture_output: bool
    max_field_bytes: int
    max_nodes: int
    max_depth: int
    segment_bytes: int
    max_store_bytes: int
    max_age_days: float | None
    fsync_s: float | None
    threads: bool
    quiet: bool
    redact_off: tuple[str, ...]
    redact_rules: dict[str, str]
    environment: str | None
    release: str | None
    service_name: str | None
    resource_attributes: dict[str, str]
    otlp_endpoint: str | None
    otlp_traces_endpoint: str | None
    otlp_headers: dict[str, str] = field(repr=False)
    otlp_protocol: str
    otlp_compression: str
    otlp_certificate: str | None
    sample_rate: float
    sample_slow_s: float | None
    sample_cost: float | None
    prices: Path | dict[str, Any] | list[Any] | None
    budgets: Path | dict[str, Any] | list[Any] | None
    max_label_values: int
    instrument: tuple[str, ...]
    origins: dict[str, str]
    problems: tuple[str, ...]

    def origin(self, name: str) -> str:
        """Where the value of a setting came from, in words: `default`, `LANGFUSE_HOST`, `.env: …`."""
        return self.origins[name]


def load(arguments: Mapping[str, Any] | None = None, cwd: Path | None = None) -> Settings:
    """Read every setting for a program that runs in `cwd`.

    Raises SettingError for an argument that is not a setting or has an unusable value.
    """
    root = project_root(cwd)
    problems: list[str] = []
    values: dict[str, Any] = {setting.name: setting.default for setting in TABLE}
    origins = dict.fromkeys(values, "default")
    for origin, found in reversed(list(_sources(root, problems))):
        for setting, text in found:
            try:
                values[setting.name] = setting.read(text)
                origins[setting.name] = origin(setting)
            except ValueError as error:
                what = _unusable(origin(setting), text, setting, error)
                problems.append(f"{what}. Another source or the default is used.")
    for name, value in (arguments or {}).items():
        values[_known(name).name] = _argument(_known(name), value)
        origins[name] = "argument"
    values["directory"] = _absolute(values["directory"], root)
    for name in ("prices", "budgets"):
        if isinstance(values[name], Path):
            values[name] = root / values[name]
    _take_from_resource(values, origins)
    problems.extend(_unspoken(values, origins))
    return Settings(**values, origins=origins, problems=tuple(problems))


def _take_from_resource(values: dict[str, Any], origins: dict[str, str]) -> None:
    """What OpenTelemetry's own resource attributes say of the program, where no setting does."""
    for name, attributes in _IN_RESOURCE.items():
        found = next(filter(None, map(values["resource_attributes"].get, attributes)), None)
        if values[name] is None and found is not None:
            values[name], origins[name] = found, origins["resource_attributes"]


def _unspoken(values: dict[str, Any], origins: dict[str, str]) -> Iterator[str]:
    """A protocol that is not spoken matters only when there is somebody to speak to."""
    if values["otlp_protocol"] != SPOKEN_PROTOCOL and (
        values["otlp_endpoint"] or values["otlp_traces_endpoint"]
    ):
        yield (
            f"{origins['otlp_protocol']}: {values['otlp_protocol']!r} is not spoken, and nothing is delivered to that "
            f"collector. Set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL={SPOKEN_PROTOCOL} and "
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT to its HTTP address, often http://localhost:4318/v1/traces."
        )


def project_root(cwd: Path | None = None) -> Path:
    """The nearest directory upwards that looks like a project; the working directory when none does."""
    start = cwd or _working_directory()
    for directory in (start, *start.parents):
        if any(_is_there(directory / marker) for marker in _ROOT_MARKERS):
            return directory
    return start


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # in a directory that may not be searched
        return False


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:  # the directory a program was started in may have been removed
        return Path("/")


_Found = list[tuple[Setting, str]]
_Origin = Callable[[Setting], str]


def _sources(root: Path, problems: list[str]) -> Iterator[tuple[_Origin, _Found]]:
    """Where values may stand, the strongest first."""
    environment = os.environ
    problems.extend(
        _unknown(name, _VARIABLES) for name in environment if name != COMPILED and _misspelt(name)
    )
    yield _variable_of(environment), _pick(environment)
    dotenv = root / ".env"
    if _is_there(dotenv):
        found = _dotenv(dotenv, problems)
        problems.extend(f"{dotenv}: {_unknown(name, _VARIABLES)}" for name in found if _misspelt(name))
        name_of = _variable_of(found)
        yield lambda setting: f"{dotenv}: {name_of(setting)}", _pick(found)
    for path, read in ((root / "pyproject.toml", _pyproject), (root / "setup.cfg", _setup_cfg)):
        if _is_there(path):
            rows = read(path, problems)
            problems.extend(f"{path}: {_unknown(name, _BY_NAME)}" for name in rows if name not in _BY_NAME)
            yield _named_in(path), [(_BY_NAME[name], text) for name, text in rows.items() if name in _BY_NAME]


def _pick(environment: Mapping[str, str]) -> _Found:
    """The settings that an environment gives; an empty variable is as good as none."""
    found = []
    for setting in TABLE:
        text = next((environment[name] for name in setting.variables if environment.get(name)), None)
        if text is not None:
            found.append((setting, text))
    return found


def _variable_of(environment: Mapping[str, str]) -> _Origin:
    return lambda setting: next(name for name in setting.variables if environment.get(name))


def _named_in(path: Path) -> _Origin:
    return lambda setting: f"{path}: {setting.name}"


def _dotenv(path: Path, problems: list[str]) -> dict[str, str]:
    from dotenv import dotenv_values

    try:
        return {name: value for name, value in dotenv_values(path).items() if value is not None}
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{path} could not be read ({error}); its settings are not used")
        return {}


def _pyproject(path: Path, problems: list[str]) -> dict[str, str]:
    import tomllib

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as error:
        problems.append(f"{path} could not be read ({error}); its settings are not used")
        return {}
    tools = document.get("tool", {})
    table = tools.get("agent_trace", {}) if isinstance(tools, dict) else {}
    if not isinstance(table, dict):
        problems.append(f"{path}: [tool.agent_trace] is a table of settings, not {table!r}; it is not used")
        return {}
    return {name.replace("-", "_"): _as_text(value) for name, value in table.items()}


def _setup_cfg(path: Path, problems: list[str]) -> dict[str, str]:
    import configparser

    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError) as error:
        problems.append(f"{path} could not be read ({error}); its settings are not used")
        return {}
    return dict(parser["agent_trace"]) if parser.has_section("agent_trace") else {}


def _as_text(value: object) -> str:
    """A TOML value as a variable would spell it, so that one reader serves every source."""
    if isinstance(value, dict | list) and any(
        isinstance(each, dict | list) for each in (value.values() if isinstance(value, dict) else value)
    ):
        import json

        return json.dumps(value, default=str)
    if isinstance(value, dict):
        return "\n".join(f"{name} = {pattern}" for name, pattern in value.items())
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    return str(value)


def _argument(setting: Setting, value: object) -> Any:
    if value is None or (setting.default is not None and isinstance(value, type(setting.default))):
        return setting.default if value is None else value
    try:
        return setting.read(_as_text(value))
    except ValueError as error:
        raise SettingError(_unusable("argument", value, setting, error)) from None


def _known(name: str) -> Setting:
    if name not in _BY_NAME:
        raise SettingError(_unknown(name, _BY_NAME))
    return _BY_NAME[name]


def _misspelt(variable: str) -> bool:
    return variable.startswith("AGENT_TRACE_") and variable not in _VARIABLES


def _unknown(name: str, known: Mapping[str, Setting]) -> str:
    import difflib

    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else " `agent-trace settings` lists them all."
    return f"there is no setting {name!r}.{hint}"


def _unusable(origin: str, value: object, setting: Setting, error: ValueError) -> str:
    shown = "(hidden)" if setting.secret else repr(value)
    return f"{origin}: {shown} is no value for {setting.name!r}: {error}"


def _absolute(directory: Path | None, root: Path) -> Path:
    if directory is None:
        return root / STORE_NAME
    return root / directory


def parent_from_environment() -> dict[str, str]:
    """What the process that started this one says of the span it was in: `traceparent` and `tracestate`, if it does."""
    found = {name.lower(): os.environ.get(name, "") for name in ("TRACEPARENT", "TRACESTATE")}
    return found if found["traceparent"] else {}


def whole_environment() -> dict[str, str]:
    """A copy of all variables, for a child process."""
    return dict(os.environ)


def compiled_is_wanted() -> bool:
    """Whether traced calls may take the compiled way, where there is one."""
    return os.environ.get(COMPILED) != "0"
