"""Sentences about what a value may be, instead of msgspec's words for types and patterns.

A type whose pattern needs words has them beside it: `Meta(pattern=..., extra={ALLOWED: "..."})`.
"""

import re
from typing import Any, Final, get_args

import msgspec
from msgspec import inspect

from schemas.api import AccountName
from schemas.keys import UserKey
from schemas.telemetry import Token
from schemas.text import ALLOWED

PLACE: Final = re.compile(r" - at `(key in )?\$(?P<path>[^`]*)`$")
STEP: Final = re.compile(r"\.(?P<field>\w+)|\[(?:\d+|\.\.\.)\]")
UNKNOWN: Final = "there is no such field"
MISSING: Final = "it is missing"
NO_FIELD: Final = re.compile(r"^Object contains unknown field `(\w+)`")
NO_VALUE: Final = re.compile(r"^Object missing required field `(\w+)`")


def _known(*types: Any) -> dict[str, str]:
    """Return the words for the patterns of some types, for places that repeat the pattern alone."""
    metas = [meta for one in types for meta in get_args(one)[1:]]
    return {meta.pattern: meta.extra[ALLOWED] for meta in metas}


KNOWN: Final = _known(Token, AccountName, UserKey)


def sentence(error: msgspec.ValidationError | str, expected: Any) -> str:
    """Return what is wrong with a value that is not of type `expected`, as one sentence.

    It begins with the path of the field, where there is one: "driver.name: it takes ...".
    """
    return ": ".join(filter(None, explained(error, expected)))


def explained(error: msgspec.ValidationError | str, expected: Any) -> tuple[str, str]:
    """Return the path of the wrong field, "" for the value itself, and what is wrong with it."""
    message = str(error)
    place = PLACE.search(message)
    path = place["path"] if place else ""
    message = message[: place.start()] if place else message
    fields = [step["field"] for step in STEP.finditer(path) if step["field"]]
    if unknown := NO_FIELD.match(message):
        return ".".join([*fields, unknown[1]]), UNKNOWN
    if missing := NO_VALUE.match(message):
        return ".".join([*fields, missing[1]]), MISSING
    if message.startswith(("Expected `", "Invalid ")):
        return ".".join(fields), f"it takes {takes(expected, path)}"
    return ".".join(fields), message


def takes(expected: Any, path: str = "") -> str:
    """Return the words for what a type takes, or what a place within it does (`.nats.url`)."""
    kind: Any = expected if isinstance(expected, inspect.Type) else inspect.type_info(expected)
    for step in STEP.finditer(path):
        kind = _within(kind, step["field"])
    return _words(kind)


def _within(kind: Any, field: str | None) -> Any:
    """Return the type of a field, or of an item where `field` is None."""
    kind = _plain(kind)
    if isinstance(kind, inspect.UnionType):
        inner = [_plain(one) for one in kind.types]
        kind = next((one for one in inner if not isinstance(one, inspect.NoneType)), kind)
    if field is None:
        return getattr(kind, "item_type", getattr(kind, "value_type", inspect.AnyType()))
    named = {one.encode_name: one.type for one in getattr(kind, "fields", ())}
    return named.get(field, inspect.AnyType())


def _plain(kind: Any) -> Any:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return kind


def _words(kind: Any) -> str:  # noqa: PLR0911 - one answer for each kind of type
    while isinstance(kind, inspect.Metadata):
        if kind.extra and ALLOWED in kind.extra:
            return str(kind.extra[ALLOWED])
        kind = kind.type
    match kind:
        case inspect.IntType():
            return "a whole number" + _bounds(kind)
        case inspect.FloatType():
            return "a number" + _bounds(kind)
        case inspect.BoolType():
            return "true or false"
        case inspect.StrType():
            return _text(kind)
        case inspect.LiteralType():
            return "one of " + ", ".join(map(str, kind.values))
        case inspect.UnionType():
            some = [one for one in kind.types if not isinstance(_plain(one), inspect.NoneType)]
            return ", or ".join(map(_words, some))
        case inspect.StructType():
            return "an object with " + ", ".join(one.encode_name for one in kind.fields)
        case inspect.ListType() | inspect.VarTupleType() | inspect.TupleType():
            return "a list"
        case inspect.DictType():
            return "an object"
    return "another value"


def _bounds(kind: inspect.IntType | inspect.FloatType) -> str:
    """Return the bounds of a number; whole numbers have no use for open ones."""
    if kind.ge is not None and kind.le is not None:
        return f" from {kind.ge} to {kind.le}"
    least = {"of at least": kind.ge, "above": kind.gt}
    most = {"of at most": kind.le, "below": kind.lt}
    bounds = [f"{word} {bound}" for word, bound in (least | most).items() if bound is not None]
    return "".join(f" {bound}" for bound in [" and ".join(bounds)] if bound)


def _text(kind: inspect.StrType) -> str:
    if kind.pattern is not None:
        return KNOWN.get(kind.pattern, "another text")
    least, most = kind.min_length or 0, kind.max_length
    if most is not None:
        return f"text of {least} to {most} characters"
    if least == 1:
        return "text that is not empty"
    return f"text of at least {least} characters" if least else "text"
