"""`instrument` and `uninstrument`: attach to code that is not yours, and take it back."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from agent_trace.instrumentation import places
from agent_trace.instrumentation.attachments import Attached, Attachment
from agent_trace.instrumentation.entry_points import EntryPointError, known_type, parse
from agent_trace.instrumentation.options import Capture, Options, is_capture
from agent_trace.instrumentation.pending import is_loading, loaded, verify, when_imported
from agent_trace.instrumentation.problem_counts import contained, note, told, withdraw
from agent_trace.instrumentation.resolving import describe
from agent_trace.recording import health
from agent_trace.recording.journal.health_file import AttachedTo

if TYPE_CHECKING:
    from agent_trace.settings import Settings


class Handle:
    """What one call of `instrument` has attached. `with instrument(…):` attaches for the block."""

    def __init__(self) -> None:
        self._attachments: list[Attachment] = []

    @property
    def attached(self) -> list[Attached]:
        """Each entry point: as it was given, `attached`, `waiting` or `missing`, and the functions that are wrapped."""
        return [each.row() for each in self._attachments]

    def add(self, attachment: Attachment) -> None:
        """Have one more entry point."""
        self._attachments.append(attachment)

    def undo(self) -> None:
        """Put everything back as it was. A second time does nothing."""
        for attachment in reversed(self._attachments):
            contained("taking back what was attached", attachment.undo)
        with places.changing():
            if self in _handles:
                _handles.remove(self)
        health.changed()

    def __enter__(self) -> Handle:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        self.undo()


_handles: Final[list[Handle]] = []


def instrument(
    *entry_points: Any, as_type: str | None = None, name: str | None = None, capture: Capture = True
) -> Handle:
    """Observe every call of code that you don't own, and leave its behaviour as it is.

        instrument("desk.models.base:BaseModel.generate")
        instrument("desk.agents.base:BaseAgent.run", as_type="agent")
        instrument("desk.models:ModelFactory.create_model", OpenAIModel, desk.ask)

    entry_points: `package.module:Class.method`, `:Class` (the methods that ask a model), `:function`, `:object.method`, a
        pattern such as `:Class.generate*`; or a class, function, method or object itself. A module that is not imported
        yet is attached when it is. A class is attached with all its subclasses, later ones too; a factory with the
        class of whatever it returns. `entry=agent` gives one entry point a type of its own.
    as_type: a type of observation, or `factory`; by the name of class and method when None.
    name: of the observations; `Class.method`, with the class of the object, when None.
    capture: True, False, `input` or `output`: what of a call is recorded.

    Never raises for an entry point: what cannot be attached is said once on stderr, and stands in `problems()`.
    """
    handle = Handle()
    with places.changing():
        _handles.append(handle)
    options = contained("reading options", _options, as_type, name, capture) or Options()
    for entry_point in entry_points:
        contained("attaching an entry point", _attach, handle, entry_point, options)
    health.changed()
    return handle


def uninstrument(handle: Handle | None = None) -> None:
    """Put back exactly what was there: of one `instrument` call, or of all."""
    for each in [handle] if handle is not None else reversed(list(_handles)):
        each.undo()


def instrument_from_settings(settings: Settings | None = None) -> Handle:
    """Attach the entry points of the setting `instrument`."""
    if settings is None:
        from agent_trace.recording.process import reread_settings

        settings = reread_settings()
    return instrument(*settings.instrument)


def attached() -> list[Attached]:
    """Every entry point that was asked for in this process and not taken back, and how it stands."""
    return [row for handle in list(_handles) for row in handle.attached]


def _told() -> health.Attaching:
    """What `agent-trace status` tells of this process."""
    rows = [AttachedTo(each.entry_point, each.state, len(each.places)) for each in attached()]
    return health.Attaching(rows, *told())


health.tell_with(_told)


def _options(as_type: Any, name: Any, capture: Any) -> Options:
    try:
        known_type(as_type, "as_type")
    except EntryPointError as error:
        note(str(error), aloud=True)
        as_type = None
    if not is_capture(capture):
        note(f"capture={capture!r}: say True, False, 'input' or 'output'", aloud=True)
        capture = True
    return Options(as_type, None if name is None else str(name), capture)


def _attach(handle: Handle, entry_point: Any, options: Options) -> None:
    if not isinstance(entry_point, str):
        _attach_object(handle, entry_point, options)
        return
    attachment = Attachment(entry_point, options)
    handle.add(attachment)
    try:
        entry = parse(entry_point)
    except EntryPointError as error:
        attachment.miss(str(error))
        return
    attachment.have(options.typed(entry.as_type))

    def resolve(is_early: bool) -> None:
        contained("attaching an entry point", attachment.resolve, entry, entry.module, is_early)

    module = loaded(entry.module)
    if module is None:
        doubt = _verify(attachment.text, entry.module)
        when_imported(entry.module, lambda: _late(resolve, doubt))
    else:
        resolve(is_loading(module))


def _late(resolve: Callable[[bool], None], doubt: str | None) -> None:
    if doubt is not None:
        withdraw(doubt)
    resolve(False)
    health.changed()


def _verify(text: str, module: str) -> str | None:
    """Look whether the module can be imported, and give what there is to say if not."""
    try:
        verify(text, module)
    except EntryPointError as error:
        ended = str(error) if str(error).endswith("?") else f"{error}."
        doubt = f"{ended} It is attached if it is imported nevertheless."
        note(doubt, aloud=True)
        return doubt
    return None


def _attach_object(handle: Handle, target: Any, options: Options) -> None:
    try:
        text, found = describe(target)
    except EntryPointError as error:
        Attachment(str(error), options).miss(str(error))
        return
    attachment = Attachment(text, options)
    handle.add(attachment)
    attachment.attach(found)
