"""Forms of types that not every program uses: pydantic, attrs, numpy, pandas, and some of the standard library's.

None of them is imported here: it would cost every program the time.
An object of such a type can only exist if its package was imported by somebody else, so it is looked up in
`sys.modules`. Fields that a class hides from its own `repr` or serialisation are left out: they are often secrets.
"""

import sys
from collections.abc import Callable
from types import MemberDescriptorType
from typing import Any, Final

from agent_trace.recording.capturing.attributes import (
    MISSING,
    class_attribute,
    class_line,
    instance_attributes,
    module_root,
    shown_fields,
    type_name,
)

Form = Callable[[Any, int], object]
"""From a value, and the number of nodes left, to what is written in its place."""

_WHOLE_ARRAY: Final = 128
_HEAD_ITEMS: Final = 8
_ROWS: Final = 5


def model_form(kind: type) -> Form | None:
    """How to write instances of a pydantic or attrs class: the fields it shows. `None` for other classes."""
    fields = _pydantic_fields(kind)
    if type(fields) is dict:
        names = tuple(name for name, field in fields.items() if _is_shown(field))
        root = class_attribute(kind, "__pydantic_root_model__") is True
        return _root if root else _model_form(kind, names)
    attributes = class_attribute(kind, "__attrs_attrs__")
    if isinstance(attributes, tuple):
        names = tuple(attribute.name for attribute in attributes if attribute.repr is not False)
        return lambda value, _: shown_fields(value, names)
    return None


def _pydantic_fields(kind: type) -> object:
    fields = class_attribute(kind, "__pydantic_fields__")
    if fields is MISSING and any(module_root(base) == "pydantic" for base in class_line(kind)):
        fields = class_attribute(kind, "model_fields")
        if type(fields) is not dict:
            fields = class_attribute(kind, "__fields__")
    return fields


def _model_form(kind: type, names: tuple[str, ...]) -> Form:
    """Fields and extras. `None` that nobody set is left out: API clients declare dozens of optional fields."""
    extra, given = (class_attribute(kind, name) for name in ("__pydantic_extra__", "__pydantic_fields_set__"))
    if type(extra) is not MemberDescriptorType or type(given) is not MemberDescriptorType:
        return lambda value, _: shown_fields(value, names)  # a pydantic dataclass, or pydantic 1

    def make(value: Any, _: int) -> dict[str, object]:
        own, is_set = instance_attributes(value), given.__get__(value)
        shown = {
            name: own[name] for name in names if name in own and (own[name] is not None or name in is_set)
        }
        more = extra.__get__(value)
        return {**shown, **more} if more else shown

    return make


def _root(value: object, _: int) -> object:
    return instance_attributes(value).get("root")


def _is_shown(field: object) -> bool:
    described = getattr(field, "field_info", field)  # pydantic 1 keeps it one level below
    return getattr(described, "exclude", None) is not True and getattr(described, "repr", True) is not False


def form_of(kind: type) -> Form | None:
    """How to write dates, decimals, arrays, frames and their like; `None` for other classes."""
    for module, name, make in _FORMS:
        known = getattr(sys.modules.get(module), name, MISSING)
        if isinstance(known, type) and issubclass(kind, known):
            return make
    return None


def _numpy_array(value: Any, _: int) -> object:
    described = {"type": "numpy.ndarray", "shape": list(value.shape), "dtype": str(value.dtype)}
    if value.size <= _WHOLE_ARRAY:
        return {**described, "values": value.tolist()}
    return {**described, "head": value.flat[:_HEAD_ITEMS].tolist()}


def _numpy_scalar(value: Any, _: int) -> object:
    plain = value.item()
    return str(value) if type(plain) is type(value) else plain


def _pandas_frame(value: Any, _: int) -> object:
    """Shape, columns and rows; of a long frame the first five and, as the latest prices are there, the last five."""
    described = {"type": type_name(type(value)), "shape": list(value.shape), "columns": list(value.columns)}
    if len(value) <= 2 * _ROWS:
        return {**described, **_rows(value)}
    return {**described, "head": _rows(value.head(_ROWS)), "tail": _rows(value.tail(_ROWS))}


def _rows(frame: Any) -> dict[str, object]:
    split = frame.to_dict("split")
    return {"index": split["index"], "data": split["data"]}


def _array(value: Any, _: int) -> object:
    described = {"type": f"array.array({value.typecode})", "size": len(value)}
    if len(value) <= _WHOLE_ARRAY:
        return {**described, "values": value.tolist()}
    return {**described, "head": value[:_HEAD_ITEMS].tolist()}


def _iso(value: Any, _: int) -> object:
    return value.isoformat()


def _str(value: object, _: int) -> str:
    return str(value)


_FORMS: Final = (
    ("datetime", "date", _iso),  # datetime is a subclass
    ("datetime", "time", _iso),
    ("datetime", "timedelta", _str),
    ("decimal", "Decimal", _str),
    ("uuid", "UUID", _str),
    ("array", "array", _array),
    ("numpy", "ndarray", _numpy_array),
    ("numpy", "generic", _numpy_scalar),
    ("pandas", "DataFrame", _pandas_frame),
)
