"""Reads one function out of a syntax tree: what it takes, what it calls, what it gives back."""

import ast
from collections.abc import Iterator

from agent_trace.discovery.clients import ADDRESS, provider_of_call, short
from agent_trace.discovery.facts import ClientCall, Function, Import

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_LEAVES = (ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.cmpop)
"""Two nodes in three, with nothing below them that matters."""

_BY_NAME = {"import_module", "__import__", "getattr", "globals", "load_object", "import_string"}
_POSTS = {"post", "request", "urlopen", "Request", "stream"}


class Surroundings:
    """What has to be known of a file to read its functions: imports, providers, and whether calls are worth looking for."""

    def __init__(self, imports: dict[str, Import], providers: frozenset[str], has_client_calls: bool) -> None:
        self.imports = imports
        self.providers = providers
        self.has_client_calls = has_client_calls

    def client_call(self, node: ast.Call) -> ClientCall | None:
        """The call of a provider's client that this is; None for any other."""
        dotted = dotted_name(node.func)
        if not self.has_client_calls or not dotted:
            return None
        provider = provider_of_call(dotted, self.imports, self.providers)
        if provider:
            return ClientCall(provider, short(dotted), node.lineno)
        if dotted.rpartition(".")[2] in _POSTS and any(ADDRESS.search(text) for text in _texts(node)):
            return ClientCall("http", short(dotted), node.lineno)
        return None


def dotted_name(node: ast.AST) -> str:
    """`a.b.c` of an expression that is nothing else; calls and subscripts on the way are `()` and `[]`."""
    parts: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call) and parts:
            parts.append("()")
            node = node.func
        elif isinstance(node, ast.Name):
            parts.append(node.id)
            return ".".join(reversed(parts))
        elif parts:
            return ".".join(reversed([*parts, "[]"]))
        else:
            return ""


def read_function(
    node: FunctionNode, surroundings: Surroundings, local_classes: list[ast.ClassDef]
) -> Function:
    """The facts of one function, those of functions inside it included. Adds the classes that it defines to a list."""
    body = _Body(node, surroundings)
    local_classes += body.classes
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return Function(
        name=node.name,
        line=node.lineno,
        parameters=tuple(each.arg for each in every),
        decorators=tuple(
            dotted_name(each.func if isinstance(each, ast.Call) else each) for each in node.decorator_list
        ),
        annotation=tuple(names_in(node.returns)) if node.returns else (),
        returned=tuple(dict.fromkeys(body.returned())),
        returns_value=bool(body.returns),
        calls=frozenset(body.calls),
        client_calls=tuple(body.client_calls),
        is_dynamic=body.is_dynamic,
        runs_forever=body.runs_forever,
    )


class _Body:
    def __init__(self, function: FunctionNode, surroundings: Surroundings) -> None:
        self.returns: list[ast.expr] = []
        self.made: dict[str, list[ast.expr]] = {}
        self.calls: set[str] = set()
        self.classes: list[ast.ClassDef] = []
        self.client_calls: list[ClientCall] = []
        self.is_dynamic = False
        self.runs_forever = False
        self._surroundings = surroundings
        waiting: list[ast.AST] = list(reversed(function.body))
        while waiting:
            node = waiting.pop()
            if not isinstance(node, _LEAVES):
                self._look_at(node)
                waiting.extend(reversed(list(ast.iter_child_nodes(node))))

    def _look_at(self, node: ast.AST) -> None:
        if isinstance(node, ast.Call):
            self._look_at_call(node)
        elif isinstance(node, ast.ClassDef):
            self.classes.append(node)
        elif isinstance(node, ast.Return) and node.value is not None:
            if not (isinstance(node.value, ast.Constant) and node.value.value is None):
                self.returns.append(node.value)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    self.made.setdefault(target.id, []).append(node.value)
        elif isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and node.test.value:
            # A loop that is left is a retry, and ends.
            self.runs_forever |= not any(isinstance(each, (ast.Break, ast.Return)) for each in ast.walk(node))

    def _look_at_call(self, node: ast.Call) -> None:
        found = self._surroundings.client_call(node)
        if found:
            self.client_calls.append(found)
        if isinstance(node.func, ast.Name):
            self.calls.add(node.func.id)
            self.is_dynamic |= node.func.id in _BY_NAME
        elif isinstance(node.func, ast.Attribute):
            self.is_dynamic |= node.func.attr in _BY_NAME
            if isinstance(node.func.value, ast.Name) and node.func.value.id in ("self", "cls"):
                self.calls.add(node.func.attr)

    def returned(self) -> Iterator[str]:
        """What is called to make what is returned, looking through variables once."""
        for value in self.returns:
            for part in _alternatives(value):
                if isinstance(part, ast.Name):
                    for made in self.made.get(part.id, []):
                        yield from filter(None, map(_maker, _alternatives(made)))
                else:
                    yield _maker(part)


def _maker(node: ast.expr) -> str:
    """`Model` of `Model(...)`, `KINDS[]` of `KINDS[kind](...)`; an empty name for what is no call."""
    if not isinstance(node, ast.Call):
        return ""
    if isinstance(node.func, ast.Subscript):
        return f"{dotted_name(node.func.value)}[]"
    if (
        isinstance(node.func, ast.Call)
        and isinstance(node.func.func, ast.Attribute)
        and node.func.func.attr == "get"
    ):
        return f"{dotted_name(node.func.func.value)}[]"
    return dotted_name(node.func)


def _alternatives(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.IfExp):
        yield from _alternatives(node.body)
        yield from _alternatives(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _alternatives(value)
    elif isinstance(node, ast.Await):
        yield from _alternatives(node.value)
    else:
        yield node


def names_in(annotation: ast.expr) -> Iterator[str]:
    """The names in a type: `BaseModel` of `Optional["BaseModel"]`; none of `type[BaseModel]`, which is no instance."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            yield from names_in(ast.parse(annotation.value, mode="eval").body)
        except (SyntaxError, ValueError):
            return
    elif isinstance(annotation, ast.BinOp):
        yield from names_in(annotation.left)
        yield from names_in(annotation.right)
    elif isinstance(annotation, ast.Subscript):
        if dotted_name(annotation.value).rpartition(".")[2] in ("Optional", "Union", "Annotated"):
            inner = annotation.slice
            for each in inner.elts if isinstance(inner, ast.Tuple) else [inner]:
                yield from names_in(each)
    elif isinstance(annotation, (ast.Name, ast.Attribute)):
        yield dotted_name(annotation)


def _texts(node: ast.Call) -> Iterator[str]:
    """The texts among the arguments, those inside f-strings and sums included."""
    for argument in [*node.args, *(each.value for each in node.keywords)]:
        if isinstance(argument, (ast.Constant, ast.JoinedStr, ast.BinOp, ast.Call)):
            for part in ast.walk(argument):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value
