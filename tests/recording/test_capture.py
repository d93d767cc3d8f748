"""What `capture` promises for the values that agents pass around."""

import array
import asyncio
import collections
import dataclasses
import datetime
import decimal
import functools
import io
import itertools
import json
import math
import pathlib
import socket
import threading
import types
import uuid
from typing import Any, NamedTuple
from unittest.mock import MagicMock, Mock

import numpy
import pydantic
import pytest

from agent_trace.recording.capturing.capture import Cut, Limits, capture
from tests.support import hostile

LIMITS = Limits()


def captured(value: object, limits: Limits = LIMITS) -> Any:
    return json.loads(capture(value, limits, "input")[0])


def cuts_of(value: object, limits: Limits = LIMITS) -> list[Cut]:
    return capture(value, limits, "input")[1] or []


def test_plain_chat_input_is_captured_as_it_is() -> None:
    chat = {
        "messages": [{"role": "user", "content": "Is BTC cheap?"}],
        "n": 1,
        "t": 0.5,
        "stop": None,
        "s": True,
    }
    assert capture(chat, LIMITS, "input") == (json.dumps(chat, separators=(",", ":")).encode(), None)


@pytest.mark.parametrize("value", ["text", "", 1, -1, 2**64 - 1, 1.5, True, None, [], {}, [[], {}], "é😀"])
def test_json_values_come_back_equal(value: object) -> None:
    assert captured(value) == value
    assert cuts_of(value) == []


def test_numbers_that_json_lacks_are_texts() -> None:
    assert captured([math.nan, math.inf, -math.inf, 10**30]) == [
        "NaN",
        "Infinity",
        "-Infinity",
        "1" + "0" * 30,
    ]
    assert captured({"x": [1.0] * 100 + [math.nan]})["x"][-1] == "NaN"


def test_integer_too_wide_for_str_is_named_by_size() -> None:
    assert captured(10**5000) == "<int of 16,610 bits>"
    assert captured({10**5000: 1}) == {"<int of 16,610 bits>": 1}


def test_lone_surrogates_are_written_out() -> None:
    assert captured("a\ud800b") == "a\\ud800b"
    assert captured({"\udfff": "x"}) == {"\\udfff": "x"}


def test_keys_that_are_no_text_become_text_and_stay_apart() -> None:
    assert captured({1: "a", "1": "b", None: "c", (1, "x"): "d", 1.5: "e", hostile.Side.SELL: "f"}) == {
        "1": "a",
        "1 (str)": "b",
        "None": "c",
        "(1, 'x')": "d",
        "1.5": "e",
        "SELL": "f",
    }


class Point(NamedTuple):
    x: int
    y: int


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self) -> None:
        self.a = 1


KNOWN_FORMS: list[tuple[object, object]] = [
    (datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.UTC), "2026-01-02T03:04:00+00:00"),
    (datetime.date(2026, 1, 2), "2026-01-02"),
    (datetime.time(3, 4), "03:04:00"),
    (datetime.timedelta(minutes=5), "0:05:00"),
    (decimal.Decimal("1.10"), "1.10"),
    (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    (hostile.Side.BUY, "Side.BUY"),
    (hostile.Side.SELL, "SELL"),
    (pathlib.Path("/tmp/x"), "/tmp/x"),
    ({"b", "a"}, ["a", "b"]),
    (frozenset([1]), [1]),
    (collections.deque([1, 2]), [1, 2]),
    (collections.OrderedDict(a=1), {"a": 1}),
    (collections.Counter("aab"), {"a": 2, "b": 1}),
    (collections.UserDict(a=1), {"a": 1}),
    (Point(1, 2), {"x": 1, "y": 2}),
    (types.SimpleNamespace(a=1), {"a": 1}),
    (types.MappingProxyType({"a": 1}), {"a": 1}),
    ({"a": 1}.keys(), ["a"]),
    (range(3), "range(0, 3)"),
    (ValueError("boo"), {"type": "ValueError", "message": "boo"}),
    (array.array("d", [1, 2]), {"type": "array.array(d)", "size": 2, "values": [1.0, 2.0]}),
    (Slotted(), {"__class__": "test_capture.Slotted", "a": 1}),
    (1 + 2j, "(1+2j)"),
    (math, "<module math>"),
    (Slotted, "<class test_capture.Slotted>"),
    (math.sin, "<function math.sin>"),
    (Slotted().__init__, "<method test_capture.Slotted.__init__>"),
    (functools.partial(math.pow, 2), "<partial of math.pow>"),
    (itertools.repeat("x" * 10_000), "<itertools.repeat>"),
    ((n for n in [1]), "<generator <genexpr>>"),
    (object(), "<object object>"),
]


@pytest.mark.parametrize(("value", "form"), KNOWN_FORMS, ids=lambda value: type(value).__name__)
def test_known_types_have_a_form(value: object, form: object) -> None:
    assert captured(value) == form
    assert captured({"argument": [value]}) == {"argument": [form]}


def test_keys_that_read_like_a_kept_apart_one_stay_apart_too() -> None:
    assert captured({1: "a", "1 (str)": "b", "1": "c"}) == {"1": "a", "1 (str)": "b", "1 (str) #2": "c"}


def test_bytes_are_recognisable_but_not_readable() -> None:
    secret = b"the content of an upload"
    for value in (secret, bytearray(secret), memoryview(secret)):
        text = captured(value)
        assert "24 bytes, sha256 " in text
        assert "content" not in text
    assert captured(b"x" * 100_000) != captured(b"y" * 100_000)


def test_numpy_is_written_by_value_when_small_and_by_shape_when_large() -> None:
    assert captured([numpy.float64(1.5), numpy.int32(4), numpy.bool_(True)]) == [1.5, 4, True]
    assert captured(numpy.arange(3)) == {
        "type": "numpy.ndarray",
        "shape": [3],
        "dtype": "int64",
        "values": [0, 1, 2],
    }
    large = captured(numpy.zeros((1000, 1000)))
    assert large["shape"] == [1000, 1000]
    assert large["head"] == [0.0] * 8
    assert captured(numpy.longdouble(1)) == "1.0"


def test_pandas_frame_shows_its_shape_its_first_and_its_latest_rows() -> None:
    pandas = pytest.importorskip("pandas")
    shown = captured(pandas.DataFrame({"close": range(1_000)}))
    assert shown["shape"] == [1_000, 1]
    assert shown["columns"] == ["close"]
    assert shown["head"]["data"][0] == [0]
    assert shown["tail"]["data"][-1] == [999]
    assert captured(pandas.NaT) == "NaT"


def test_attrs_fields_hidden_from_repr_are_left_out() -> None:
    class Position:
        # What attrs leaves on a class that it made.
        __attrs_attrs__ = (
            types.SimpleNamespace(name="size", repr=True),
            types.SimpleNamespace(name="wallet", repr=False),
        )

        def __init__(self) -> None:
            self.size = 5
            self.wallet = "hidden"

    assert captured(Position()) == {"size": 5}


def test_dataclass_fields_hidden_from_repr_are_left_out() -> None:
    order = hostile.Order("BTC", 1.5, parent=hostile.Order("ETH", 2.0))
    assert captured(order) == {
        "symbol": "BTC",
        "size": 1.5,
        "parent": {"symbol": "ETH", "size": 2.0, "parent": None},
    }


class Account(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")

    owner: str
    note: str | None = None
    given: str | None = None
    password: pydantic.SecretStr = pydantic.SecretStr("hunter2")
    api_key: str = pydantic.Field(default="sk-hidden", exclude=True)
    seed: str = pydantic.Field(default="hidden", repr=False)
    _private: str = "hidden"

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def balance(self) -> float:
        raise AssertionError("a computed field was computed")

    @pydantic.model_serializer
    def serialize(self) -> dict[str, Any]:
        raise AssertionError("a serializer ran")


def test_pydantic_models_show_fields_and_extras_but_nothing_excluded_or_secret() -> None:
    account = Account(owner="me", given=None, tag={"a": 1})  # type: ignore[call-arg]
    text = capture(account, LIMITS, "input")[0].decode()
    assert json.loads(text) == {
        "owner": "me",
        "given": None,
        "password": "SecretStr('**********')",
        "tag": {"a": 1},
    }
    assert "hunter2" not in text
    assert "hidden" not in text


def test_pydantic_root_model_is_its_root() -> None:
    assert captured(pydantic.RootModel[list[int]]([1, 2])) == [1, 2]


def test_object_without_repr_shows_public_attributes_one_object_deep() -> None:
    class Client:
        def __init__(self) -> None:
            self.session = "not shown"

    class Answer:
        def __init__(self) -> None:
            self.content = "hello"
            self.client = Client()
            self._api_key = "private"

    assert captured(Answer()) == {
        "__class__": "test_capture.test_object_without_repr_shows_public_attributes_one_object_deep.<locals>.Answer",
        "content": "hello",
        "client": f"<{type(Client()).__module__}.{Client.__qualname__} object>",
    }


def test_object_that_holds_the_world_is_shown_in_small() -> None:
    agent = types.new_class("Agent")()
    agent.history = [{"content": str(number)} for number in range(5_000)]
    assert len(capture(agent, LIMITS, "input")[0]) < 20_000
    assert captured([agent, "newest"])[1] == "newest"


def test_memory_addresses_are_dropped_but_wallet_addresses_stay() -> None:
    wallet = "0x52908400098527886E0F7030069857D2E4169EE7"

    class Trade:
        def __repr__(self) -> str:
            return f"<Trade at {wallet} of {object.__repr__(self)}>"

    text = captured(Trade())
    assert wallet in text
    assert text.count("0x") == 1


def test_mocks_are_named_and_their_pretended_class_is_not_believed() -> None:
    assert captured(Mock()).startswith("<Mock id=")
    assert captured(MagicMock(spec=Account)).startswith("<MagicMock spec='Account'")
    assert captured(MagicMock(spec=dict)).startswith("<MagicMock spec='dict'")


def test_live_resources_are_named_and_untouched(tmp_path: pathlib.Path) -> None:
    async def coroutine() -> None: ...

    pending = coroutine()
    numbers = iter([1, 2])
    with socket.socket() as sock, (tmp_path / "f").open("w+") as file:
        forms = captured([pending, numbers, sock, file, threading.Lock(), asyncio.Event(), io.StringIO("x")])
    pending.close()
    assert "coroutine" in forms[0]
    assert "f" in forms[3]
    assert next(numbers) == 1


def test_one_shot_and_endless_iterators_are_not_consumed() -> None:
    counter = itertools.count()
    generator = (number for number in counter)
    captured({"counter": counter, "generator": generator, "zip": zip(counter, counter, strict=False)})
    assert next(counter) == 0


def test_properties_are_never_computed() -> None:
    hostile.PropertiesCount.asked = 0
    assert captured(hostile.PropertiesCount())["content"] == "kept"
    assert hostile.PropertiesCount.asked == 0


def test_circular_structure_names_what_it_leads_back_to() -> None:
    circular: dict[str, Any] = {"a": {}}
    circular["a"]["back"] = circular
    circular["self"] = [circular["a"]]
    assert captured(circular)["a"] == {"back": "<circular: input>"}
    order = hostile.Order("BTC", 1.0)
    order.parent = order
    assert captured({"order": order})["order"]["parent"] == "<circular: input.order>"


def test_value_shared_by_two_places_is_written_twice() -> None:
    shared = {1: "x"}
    assert captured([shared, shared]) == [{"1": "x"}, {"1": "x"}]


@dataclasses.dataclass(slots=True)
class Fill:
    price: float
    note: str = dataclasses.field(init=False)


def test_slotted_dataclass_with_an_unset_field_shows_the_others() -> None:
    assert captured(Fill(1.5)) == {"price": 1.5}


def test_none_is_not_nothing() -> None:
    assert capture(None, LIMITS, "output") == (b"null", None)
