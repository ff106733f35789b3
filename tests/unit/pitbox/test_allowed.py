"""What a value may be is told in words, for every type that people's input is checked by."""

from typing import Annotated, Any, Literal, get_args

import msgspec
import pytest
from msgspec import Meta, Struct

from pitbox import allowed
from schemas import api, keys, telemetry
from tests.tools.words import jargon


class Inner(Struct, forbid_unknown_fields=True):
    name: telemetry.Token
    kind: Literal["a", "b"]
    size: Annotated[int, Meta(ge=1)] | None = None


class Outer(Struct):
    inner: Inner
    many: list[Inner] = []
    by_name: dict[str, Inner] = {}


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"inner": {"kind": "a"}}, "inner.name: it is missing"),
        ({"inner": {"name": "x", "kind": "a", "z": 1}}, "inner.z: there is no such field"),
        ({"inner": {"name": "x", "kind": "c"}}, "inner.kind: it takes one of a, b"),
        (
            {"inner": {"name": "x", "kind": "a", "size": 0}},
            "inner.size: it takes a whole number of at least 1",
        ),
        ({"inner": 1}, "inner: it takes an object with name, kind, size"),
        (1, "it takes an object with inner, many, by_name"),
        ({"inner": {"name": "", "kind": "a"}}, f"inner.name: it takes {telemetry.NAME_WORDS}"),
        (
            {"inner": {"name": "x", "kind": "a"}, "many": [{"name": "x", "kind": 1}]},
            "many.kind: it takes one of a, b",
        ),
        (
            {"inner": {"name": "x", "kind": "a"}, "by_name": {"k": {"name": "x", "kind": 1}}},
            "by_name.kind: it takes one of a, b",
        ),
        ({"inner": {"name": "x", "kind": "a"}, "many": 1}, "many: it takes a list"),
    ],
)
def test_a_mistake_is_told_by_what_is_allowed(value: Any, sentence: str) -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert(value, Outer)
    assert allowed.sentence(raised.value, Outer) == sentence


BODIES = [
    kind for kind in vars(api).values() if isinstance(kind, type) and issubclass(kind, Struct)
]
NAMED = [
    kind
    for module in (api, keys, telemetry)
    for kind in vars(module).values()
    if any(isinstance(part, Meta) and part.pattern for part in get_args(kind)[1:])
]


@pytest.mark.parametrize("kind", [*BODIES, *NAMED], ids=str)
def test_every_type_of_the_api_has_words(kind: Any) -> None:
    words = [allowed.takes(kind)]
    words += [allowed.takes(field.type) for field in fields_of(kind)]
    for told in words:
        assert not jargon(told)
        assert told != "another text"


def fields_of(kind: Any) -> tuple[msgspec.inspect.Field, ...]:
    about = msgspec.inspect.type_info(kind)
    return about.fields if isinstance(about, msgspec.inspect.StructType) else ()
