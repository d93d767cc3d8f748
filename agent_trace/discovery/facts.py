"""What is known of one source file: its imports, classes and functions, as names and lines. No syntax trees."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Import:
    """`from {dots}{module} import {name}` or, without a name, `import {module}`."""

    module: str
    name: str | None = None
    level: int = 0


@dataclass(frozen=True, slots=True)
class ClientCall:
    """A call of a provider's client: `openai`, `chat.completions.create`, line 12."""

    provider: str
    call: str
    line: int


@dataclass(slots=True)
class Function:
    """A function or method, and what its body does that matters here."""

    name: str
    line: int
    parameters: tuple[str, ...] = ()
    decorators: tuple[str, ...] = ()
    annotation: tuple[str, ...] = ()
    """Names in the type that it says it returns."""
    returned: tuple[str, ...] = ()
    """Dotted names of what it calls to make what it returns."""
    returns_value: bool = False
    calls: frozenset[str] = frozenset()
    """Names of methods that it calls on self or cls, and of functions."""
    client_calls: tuple[ClientCall, ...] = ()
    is_dynamic: bool = False
    """It imports by name, or looks something up by name."""
    runs_forever: bool = False


@dataclass(slots=True, eq=False)
class Class:
    """A class. `name` is qualified (`Outer.Inner`); one inside a function has no name to be found by."""

    module: "Module"
    name: str
    line: int
    bases: tuple[str, ...]
    methods: dict[str, Function]
    registries: dict[str, tuple[str, ...]] = field(default_factory=dict)
    is_local: bool = False


@dataclass(slots=True, eq=False)
class Module:
    """A source file. `name` is what the program imports it as, `""` as long as that is not known."""

    path: Path
    name: str = ""
    imports: dict[str, Import] = field(default_factory=dict)
    star_imports: list[Import] = field(default_factory=list)
    classes: dict[str, Class] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    registries: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Dictionaries of classes, by the names they are assigned to."""
    client_calls: tuple[ClientCall, ...] = ()
    """Those outside of any function."""
    providers: frozenset[str] = frozenset()
    """Providers whose packages it imports, or whose addresses stand in it."""
    imported: frozenset[str] = frozenset()
    """Absolute names of modules that it may import."""
    relative_levels: int = 0
    """How many packages above it there are at least, going by its relative imports."""
    has_main_guard: bool = False

    @property
    def is_package(self) -> bool:
        """Whether this is the `__init__` of a package."""
        return self.path.name == "__init__.py"
