"""`LangFuseTracker`: the one tracker of a process, with its switch, its status and its Langfuse client."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, ClassVar, Self

from agent_trace.decorator import observe_llm
from agent_trace.recording import guard, process

if TYPE_CHECKING:
    from langfuse import Langfuse

    from agent_trace.recording.process import Redact
    from agent_trace.settings import Settings


class LangFuseTracker:
    """The tracker of this process: every `LangFuseTracker()` is the same object, from any thread.

    Recording needs no tracker; make one to set something in code, to switch, to ask how it stands:

        tracker = LangFuseTracker(directory="/var/lib/desk/traces", redact=hide_account_numbers)

    redact: called with (field, value) for every field of a record (`input`, `output`, `metadata`, …) that is about to
        be written; what it returns is written instead. One that raises drops that field, not the observation.
    settings: any setting of the settings reference, by name. They win over environment and files, and stay in force
        until the same one is given again.

    Raises SettingError for a setting that does not exist or has an unusable value.
    """

    _instance: ClassVar[LangFuseTracker | None] = None
    _making: ClassVar[threading.Lock] = threading.Lock()
    _client: Langfuse | None

    def __new__(cls, redact: Redact | None = None, **settings: Any) -> Self:
        """The one tracker, made by whoever asks first."""
        with cls._making:
            if cls._instance is None:
                instance = super().__new__(cls)
                instance._client = None
                cls._instance = instance
            if not isinstance(cls._instance, cls):
                raise TypeError(
                    f"there is a {type(cls._instance).__name__} in this process, which is no {cls.__name__}"
                )
            return cls._instance

    def __init__(self, redact: Redact | None = None, **settings: Any) -> None:
        if redact is not None or settings:
            process.configure(settings, redact)
            self._client = None

    observe_llm = staticmethod(observe_llm)

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return process.current().settings

    @property
    def enabled(self) -> bool:
        """Whether the next traced call is recorded: this process's switch, and the project's (`agent-trace off`)."""
        return process.is_on()

    def enable(self) -> None:
        """Record from here on, whatever ENABLE_LANGFUSE says. `agent-trace off` still holds."""
        process.current().enable()

    def disable(self) -> None:
        """Stop recording in this process; traced calls go on as if undecorated."""
        process.current().disable()

    @property
    def client(self) -> Langfuse | None:
        """A Langfuse client with a tracer provider of its own, made on first use; None when no keys are set."""
        settings = self.settings
        if self._client is None and settings.public_key and settings.secret_key:
            from langfuse import Langfuse
            from opentelemetry.sdk.trace import TracerProvider

            self._client = Langfuse(
                public_key=settings.public_key,
                secret_key=settings.secret_key,
                base_url=settings.base_url,
                environment=settings.environment,
                release=settings.release,
                # Left to itself it would take the global provider, which is the program's.
                tracer_provider=TracerProvider(),
            )
        return self._client

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Force what was recorded onto the device. True when nothing waits to be delivered anywhere.

        Nothing is lost without it: a recorded observation is in the journal when its call returns. This version keeps
        observations on this machine, so that with Langfuse keys set they still wait, and the answer is False.
        """
        journal = process.current().journal
        if journal is not None:
            journal.sync()
        return self.settings.secret_key is None

    def shutdown(self) -> None:
        """Give back what the journal has reserved. May be called twice; recording after it works still."""
        process.current().close()

    def status(self) -> dict[str, Any]:
        """How recording stands in this process.

        Keys: enabled, directory, recorded (records written), lost (by reason), problem (in words, or None), failures (of
        tracing itself, by what it was doing), segment (path, or None), settings_problems.
        """
        recording = process.current()
        journal = recording.journal
        return {
            "enabled": process.is_on(),
            "directory": str(recording.settings.directory),
            "recorded": 0 if journal is None else journal.recorded,
            "lost": {} if journal is None else dict(journal.lost),
            "problem": recording.problem or (None if journal is None else journal.problem),
            "failures": dict(guard.failures),
            "segment": None if journal is None or journal.path is None else str(journal.path),
            "settings_problems": list(recording.settings.problems),
        }
