"""Runs somebody's program inside this process as `python` would, below one observation that tells how it ended."""

import builtins
import importlib.util
import io
import sys
from collections.abc import Callable
from functools import partial
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Any, NoReturn

from agent_trace.cli.console import tell
from agent_trace.recording import process
from agent_trace.recording.guard import guarded
from agent_trace.recording.span import Span

Attach = Callable[[], None]
"""Attaches to what the program will import; called when everything is found where the program will find it."""


def run_script(script: str, arguments: list[str], store: Path | None, attach: Attach) -> None:
    """`python SCRIPT ARGUMENTS`, recorded."""
    path = Path(script).absolute()
    if path.is_dir():
        _give_up(f"{script} is a directory; for a package say `agent-trace run -m {path.name}`")
    try:
        with io.open_code(str(path)) as file:
            source = file.read()
    except OSError as error:
        _give_up(f"{script} cannot be run: {error.strerror}", exit_code=2)
    main = _main_module(str(path), SourceFileLoader("__main__", str(path)))
    _arrange([script, *arguments], str(path.resolve().parent), main)
    _prepare(store, attach)
    _record(path.name, lambda: _execute(compile(source, path, "exec", dont_inherit=True), main))


def run_module(name: str, arguments: list[str], store: Path | None, attach: Attach) -> None:
    """`python -m MODULE ARGUMENTS`, recorded."""
    _arrange(["-m", *arguments], str(Path.cwd()), None)
    _prepare(store, attach)  # before the packages around the module are imported
    spec, code = _found(name)
    main = _main_module(spec.origin or name, spec.loader)
    main.__spec__, main.__package__ = spec, spec.parent
    _arrange([spec.origin or name, *arguments], None, main)
    _record(name, lambda: _execute(code, main))


def _found(name: str) -> tuple[ModuleSpec, CodeType]:
    """The module to run, or the `__main__` of a package, and its code."""
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{name}.__main__")
    except (ModuleNotFoundError, ValueError) as error:
        _give_up(f"there is no module {name!r} to run: {error}")
    code = getattr(spec.loader, "get_code", lambda _: None)(spec.name) if spec else None
    if spec is None or code is None:
        _give_up(f"there is no module {name!r} to run, or it is a package without __main__")
    return spec, code


def _main_module(file: str, loader: Any) -> ModuleType:
    main = ModuleType("__main__")
    main.__dict__.update(
        {"__file__": file, "__builtins__": builtins, "__cached__": None, "__loader__": loader}
    )
    return main


def _arrange(argv: list[str], path_entry: str | None, main: ModuleType | None) -> None:
    """Put in place what a program finds when Python starts it, for good: its threads may outlive its last line."""
    sys.argv[:] = argv
    if path_entry is not None and not sys.flags.safe_path:
        sys.path[0] = path_entry
    if main is not None:
        sys.modules["__main__"] = main


def _execute(code: CodeType, main: ModuleType) -> None:
    exec(code, main.__dict__)


def _prepare(store: Path | None, attach: Attach) -> None:
    if store is not None:
        process.configure({"directory": store.absolute()})
    attach()


def _record(name: str, program: Callable[[], None]) -> None:
    with _Recorded(name):
        program()


class _Recorded:
    """One observation around a program; nothing when recording is off. What the program raises goes on."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._span: Span | None = None

    def __enter__(self) -> None:
        with guarded("observing a program"):
            self._open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with guarded("observing a program"):
            self._finish(error and error.with_traceback(_from_program(trace)))
        if error is not None:
            error.__traceback__ = trace
        if error is not None and not isinstance(error, SystemExit):
            # Through whichever hook the program has set by now.
            sys.excepthook = partial(_show_without_us, sys.excepthook)

    def _open(self) -> None:
        if process.is_on():
            recorder = process.steps().recorder
            span = recorder.open(self._name, "span")
            span.added().add_metadata({"arguments": sys.argv[1:]})
            recorder.attach(span)
            self._span = span

    def _finish(self, error: BaseException | None) -> None:
        span = self._span
        if span is None:
            return
        status = _exit_status(error)
        span.added().add_metadata({"exit_status": status})
        if isinstance(error, SystemExit):
            if status:
                span.added().raise_level("ERROR", f"exit status {status}")
            error = None
        span.recorder.detach(span)
        span.recorder.finish(span, error=error)


def _show_without_us(
    hook: Callable[..., Any], kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Call a hook for uncaught exceptions with a traceback that begins in the program."""
    trace = _from_program(trace)
    hook(kind, error.with_traceback(trace), trace)


def _from_program(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code is not _execute.__code__:
        trace = trace.tb_next
    return trace and trace.tb_next


def _exit_status(error: BaseException | None) -> int:
    if error is None:
        return 0
    if isinstance(error, SystemExit):
        code = error.code
        return 0 if code is None else code & 0xFF if isinstance(code, int) else 1
    return 130 if isinstance(error, KeyboardInterrupt) else 1


def _give_up(message: str, exit_code: int = 1) -> NoReturn:
    tell(message)
    sys.exit(exit_code)
