"""Attaches to a program before it starts: what the project's settings name, and what was typed."""

from agent_trace.recording.guard import guarded


def attach(entry_points: tuple[str, ...], *, providers: bool) -> None:
    """Attach for the life of this process. What cannot be attached is said on stderr, and the program runs all the same."""
    with guarded("attaching entry points"):
        from agent_trace.instrumentation import instrument, instrument_from_settings
        from agent_trace.recording.process import reread_settings

        settings = reread_settings()
        if settings.instrument:
            instrument_from_settings(settings)
        if entry_points:
            instrument(*dict.fromkeys(entry_points))
    if providers:
        with guarded("attaching to providers"):
            from agent_trace.instrumentation import instrument_providers

            instrument_providers()
