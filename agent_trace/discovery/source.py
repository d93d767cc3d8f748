"""Reads one source file into facts. It is parsed and never run; what cannot be parsed says why."""

import ast
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agent_trace.discovery.bodies import FunctionNode, Surroundings, dotted_name, read_function
from agent_trace.discovery.clients import ADDRESS, WORTH_A_LOOK, provider_of_package
from agent_trace.discovery.facts import Class, ClientCall, Function, Import, Module

_TELLING: Final = re.compile(
    rb"agent|model|llm|gpt|claude|gemini|chat|generat|complet|invoke|\bask|predict|respon|prompt|anthropic|openai|ollama"
    rb"|analy|provider|litellm",
    re.IGNORECASE,
)
"""Source without any of these words has nothing to do with models, unless it hands on what others have."""

_IMPORT: Final = re.compile(
    rb"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+([\w, \t(]*)|import[ \t]+([\w., \t]+))", re.M
)


class Unread(Exception):
    """A file that cannot be read as Python; its text says why."""


def read_module(path: Path) -> Module:
    """The facts of one file. Raises Unread."""
    try:
        source = path.read_bytes()
    except OSError as error:
        raise Unread(error.strerror or "cannot be read") from None
    if b"\0" in source:
        raise Unread("has NUL bytes, as UTF-16 has")
    module = Module(path)
    module.imported, module.relative_levels = _imported(source)
    if _TELLING.search(source) or module.is_package or b"import *" in source:
        _fill(module, _parsed(source), source)
    return module


def _parsed(source: bytes) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # escapes that will be errors one day are nobody's business here
            return ast.parse(source)
    except SyntaxError as error:
        where = f" in line {error.lineno}" if error.lineno else ""
        raise Unread(f"{(error.msg or 'no Python').splitlines()[0]}{where}") from None
    except (ValueError, LookupError) as error:  # NUL bytes, UTF-16, an encoding that does not exist
        raise Unread(str(error)) from None
    except (RecursionError, MemoryError):
        raise Unread("nested too deeply") from None


def _imported(source: bytes) -> tuple[frozenset[str], int]:
    """Every absolute name that may be a module, and the most dots of a relative import."""
    names: set[str] = set()
    levels = 0
    for origin, attributes, modules in _IMPORT.findall(source):
        if modules:
            names.update(part.split()[0].decode() for part in modules.split(b",") if part.split())
        elif origin.startswith(b"."):
            levels = max(levels, len(origin) - len(origin.lstrip(b".")))
        else:
            base = origin.decode()
            names.add(base)
            names.update(f"{base}.{each.decode()}" for each in re.findall(rb"\w+", attributes))
    return frozenset(names), levels


def _fill(module: Module, tree: ast.Module, source: bytes) -> None:
    for node in _statements(tree.body):
        _take_import(module, node)
    packages = {provider_of_package(name) for name in module.imported}
    module.providers = frozenset(each for each in packages if each)
    if ADDRESS.search(source.decode("latin-1")):
        module.providers |= {"http"}
    surroundings = Surroundings(module.imports, module.providers, bool(WORTH_A_LOOK.search(source)))
    _take_definitions(module, tree, surroundings)
    module.has_main_guard = b"__main__" in source and any(map(_is_main_guard, tree.body))


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, those inside `if` and `try` included."""
    for node in body:
        yield node
        for part in ("body", "orelse", "finalbody"):
            if isinstance(node, (ast.If, ast.Try, ast.With)):
                yield from _statements(getattr(node, part, []))
        if isinstance(node, ast.Try):
            for handler in node.handlers:
                yield from _statements(handler.body)


def _take_import(module: Module, node: ast.stmt) -> None:
    if isinstance(node, ast.Import):
        for each in node.names:
            if each.asname:
                module.imports[each.asname] = Import(each.name)
            else:
                module.imports[each.name.partition(".")[0]] = Import(each.name.partition(".")[0])
    elif isinstance(node, ast.ImportFrom):
        for each in node.names:
            found = Import(node.module or "", each.name, node.level)
            if each.name == "*":
                module.star_imports.append(found)
            else:
                module.imports.setdefault(each.asname or each.name, found)


def _take_definitions(module: Module, tree: ast.Module, surroundings: Surroundings) -> None:
    calls: list[ClientCall] = []
    for node in _statements(tree.body):
        if isinstance(node, ast.ClassDef):
            _take_class(module, node, "", surroundings)
        elif isinstance(node, FunctionNode):
            module.functions[node.name] = _read_function(module, node, surroundings)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            _take_assignment(node, module.aliases, module.registries)
        if not isinstance(node, (ast.ClassDef, FunctionNode, ast.If, ast.Try, ast.With)):
            found = (surroundings.client_call(each) for each in ast.walk(node) if isinstance(each, ast.Call))
            calls.extend(each for each in found if each)
    module.client_calls = tuple(calls)


def _take_class(
    module: Module, node: ast.ClassDef, outer: str, surroundings: Surroundings, *, is_local: bool = False
) -> None:
    name = f"{outer}{node.name}"
    bases = (dotted_name(each.value if isinstance(each, ast.Subscript) else each) for each in node.bases)
    found = Class(module, name, node.lineno, tuple(filter(None, bases)), {}, is_local=is_local)
    aliases: dict[str, str] = {}
    for each in _statements(node.body):
        if isinstance(each, FunctionNode):
            found.methods[each.name] = _read_function(module, each, surroundings)
        elif isinstance(each, ast.ClassDef):
            _take_class(module, each, f"{name}.", surroundings, is_local=is_local)
        elif isinstance(each, (ast.Assign, ast.AnnAssign)):
            _take_assignment(each, aliases, found.registries)
    module.classes.setdefault(name, found)


def _read_function(module: Module, node: FunctionNode, surroundings: Surroundings) -> Function:
    classes: list[ast.ClassDef] = []
    function = read_function(node, surroundings, classes)
    for each in classes:
        _take_class(module, each, f"{node.name}.<locals>.", surroundings, is_local=True)
    return function


def _take_assignment(
    node: ast.Assign | ast.AnnAssign, aliases: dict[str, str], registries: dict[str, tuple[str, ...]]
) -> None:
    """`Base = OtherBase` is another name for it; a dictionary of names may be one of classes."""
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    if not isinstance(target, ast.Name):
        return
    if isinstance(node.value, (ast.Name, ast.Attribute)):
        aliases[target.id] = dotted_name(node.value)
    elif isinstance(node.value, ast.Dict):
        values = tuple(
            dotted_name(each) for each in node.value.values if isinstance(each, (ast.Name, ast.Attribute))
        )
        if values:
            registries[target.id] = values


def _is_main_guard(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and any(isinstance(each, ast.Name) and each.id == "__name__" for each in ast.walk(node.test))
    )
