"""Switches the observing of LiteLLM on and off: one callback of ours in `litellm.callbacks`, and never a second."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import agent_trace.background  # noqa: F401 - what is recorded is delivered, where there is somewhere to deliver it to
from agent_trace.recording import process
from agent_trace.settings import Settings, load

_CREDENTIALS: Final = ("public_key", "secret_key", "base_url")
_ATTRIBUTES: Final = {
    "public_key": ("public_key", "langfuse_public_key", "LANGFUSE_PUBLIC_KEY"),
    "secret_key": ("secret_key", "langfuse_secret_key", "LANGFUSE_SECRET_KEY"),
    "base_url": (
        *("base_url", "langfuse_base_url", "LANGFUSE_BASE_URL"),
        *("host", "langfuse_host", "LANGFUSE_HOST"),
    ),
}
"""What an object or mapping with settings may call each of them."""


def init_langfuse(settings: Mapping[str, Any] | Settings | object | None = None) -> bool:
    """Record what LiteLLM calls, and deliver it to Langfuse. True when both are set up; may be called again.

    settings: where keys and address are looked up that neither environment nor configuration files give: a mapping, or
        an object with attributes, named `public_key`, `langfuse_public_key` or `LANGFUSE_PUBLIC_KEY` and so on.

    False, and nothing done, without a public and a secret key, and also when LiteLLM is not installed. Raises
    SettingError for a key that cannot be used.
    """
    found = _found_nowhere_else(settings)
    now = process.current().settings
    has_keys = all(found.get(name) or getattr(now, name) for name in ("public_key", "secret_key"))
    if not has_keys or not _is_installed():
        return False
    if found:
        process.configure(found)
    return instrument_litellm()


def instrument_litellm() -> bool:
    """Record every call that LiteLLM makes in this process, with or without Langfuse. May be called again.

    Imports LiteLLM. False, and nothing done, when it is not installed.
    """
    if not _is_installed():
        return False
    import_module("agent_trace.integrations.litellm_logger").install()
    return True


def uninstrument_litellm() -> None:
    """Leave LiteLLM as it was found. Calls that are under way are still recorded."""
    import sys

    installed = sys.modules.get("agent_trace.integrations.litellm_logger")
    if installed is not None:
        installed.uninstall()


def _is_installed() -> bool:
    try:
        return find_spec("litellm") is not None
    except ValueError:  # something else stands under its name in sys.modules
        return False


def _found_nowhere_else(given: Any) -> dict[str, Any]:
    """Of what was given, that for which the program's surroundings have no value."""
    if given is None:
        return {}
    around = load()
    found: dict[str, Any] = {}
    for name in _CREDENTIALS:
        value = next(filter(None, (_value(given, each) for each in _ATTRIBUTES[name])), None)
        if value is not None and around.origin(name) == "default":
            found[name] = value
    return found


def _value(given: Any, name: str) -> Any:
    value = given.get(name) if isinstance(given, Mapping) else getattr(given, name, None)
    reveal = getattr(value, "get_secret_value", None)  # pydantic's SecretStr
    return value if reveal is None else reveal()
