"""`LangFuseTracker`: the one tracker of a process, with its switch, its status and its Langfuse client."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any, ClassVar, Self

from agent_trace.background import background
from agent_trace.decorator import observe_llm
from agent_trace.recording import guard, health, process
from agent_trace.recording.guard import attempt

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
        """A Langfuse client with a tracer provider of its own, made on first use; None when no keys are set.

        For scores, prompts and datasets. Langfuse keeps one set of connections for each public key in a process: where
        the program has made a client with the same key before, this one shares it, with that one's address and secret.
        """
        settings = self.settings
        if not settings.public_key or not settings.secret_key:
            return None
        with self._making:
            if self._client is None:
                self._client = _langfuse_client(settings)
            return self._client

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Force what was recorded onto the device and deliver it now, waiting up to `timeout_s` seconds.

        True when every backend that is configured has accepted all that this process recorded before the call; also
        when none is configured. False when time was up, or when a backend refused a part for good. Nothing is lost
        without it: an observation is in the journal when its call returns, and what waits is delivered later.
        """
        journal = process.current().journal
        if journal is not None:
            journal.sync()
        return bool(attempt("delivering", background.flush, self.settings, timeout_s))

    def shutdown(self) -> None:
        """Give back what the journal has reserved, and deliver once more, for 1.5 seconds at most.

        May be called twice; recording after it works still.
        """
        process.current().close()
        attempt("delivering", background.finish)

    def status(self, check_credentials: bool = False) -> dict[str, Any]:
        """How recording stands in this process.

        Keys: enabled, directory, recorded (records written), lost (by reason), problem (in words, or None), failures (of
        tracing itself, by what it was doing), last_failures (the same in words, with secrets hidden), segment (path, or None), settings_problems, attached (entry points that
        `instrument` was given: `entry_point`, `state`, `places`), attaching_problems (how often, by message).

        check_credentials: ask Langfuse, for 5 s at most, whether it takes the keys. Adds `credentials`: `ok`, `missing`,
            `refused (401): check …`, or `no answer from …`.
        """
        recording = process.current()
        journal = recording.journal
        status: dict[str, Any] = {
            "enabled": process.is_on(),
            "directory": str(recording.settings.directory),
            "recorded": 0 if journal is None else journal.recorded,
            "lost": {} if journal is None else dict(journal.lost),
            "problem": recording.problem or (None if journal is None else journal.problem),
            "failures": dict(guard.failures),
            "last_failures": {
                work: process.redact_text(words) for work, words in health.last_words().items()
            },
            "segment": None if journal is None or journal.path is None else str(journal.path),
            "settings_problems": list(recording.settings.problems),
            **_attached(),
        }
        if check_credentials:
            from agent_trace.credentials import check

            settings = recording.settings
            status["credentials"] = check(settings.public_key, settings.secret_key, settings.base_url)
        return status


def _attached() -> dict[str, Any]:
    if "agent_trace.instrumentation" not in sys.modules:
        return {"attached": [], "attaching_problems": {}}
    from agent_trace.instrumentation import attached, problems

    return {"attached": [each._asdict() for each in attached()], "attaching_problems": problems()}


def _langfuse_client(settings: Settings) -> Langfuse:
    from langfuse import Langfuse
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

    return Langfuse(
        public_key=settings.public_key,
        secret_key=settings.secret_key,
        base_url=settings.base_url,
        environment=settings.environment,
        release=settings.release,
        # Left to itself it would take the global provider, which is the program's. The sampler is given, or
        # OTEL_TRACES_SAMPLER, which is the program's as well, would decide; Langfuse applies its rate to no other's.
        tracer_provider=TracerProvider(sampler=TraceIdRatioBased(settings.sample_rate)),
        sample_rate=settings.sample_rate,
    )
