"""What the page and the gateway exchange, as TypeScript: pure, the same text every time."""

from collections.abc import Iterable
from types import UnionType
from typing import Any, Final, get_args

import msgspec
from msgspec import NODEFAULT
from msgspec import inspect as shape

from schemas import api, wall
from schemas.channels import CHANNELS

HEAD: Final = """\
// Made from schemas/ by `make generated`; do not edit.
// Stamps in ns pass 2^53, so they are rounded to 256 ns here."""
ANSWERS: Final = (
    api.Health,
    api.Ready,
    api.SessionSummary,
    api.ChannelAbout,
    api.Hole,
    api.Traces,
    api.PackedTraces,
    api.CarsAt,
    api.Problem,
    api.LoggedIn,
    api.WsTicket,
    api.AccountAbout,
    api.Invited,
    api.Consent,
    api.AuditEntry,
    api.EnrolmentCode,
    api.EnrolmentState,
    api.DriverAbout,
)
UNIONS: Final[dict[str, UnionType]] = {"FromPage": wall.FromPage, "ToPage": wall.ToPage}
PLAIN: Final[dict[type[shape.Type], str]] = {
    shape.IntType: "number",
    shape.FloatType: "number",
    shape.StrType: "string",
    shape.BoolType: "boolean",
    shape.BytesType: "Uint8Array",
    shape.DateTimeType: "string",
    shape.NoneType: "null",
}


def typescript() -> str:
    """Write the wall's messages, the answers over REST and the channels' names as TypeScript.

    Of a struct that leaves out defaults, `Sent…` is what travels and `…_DEFAULTS` what to add.
    """
    members = {name: get_args(union) for name, union in UNIONS.items()}
    roots = [kind for union in members.values() for kind in union]
    blocks = [block for found in _structs([*roots, *ANSWERS]) for block in _struct(found)]
    blocks += [
        f"export type {name} =\n" + "\n".join(f"  | {_name(kind)}" for kind in kinds) + ";"
        for name, kinds in members.items()
    ]
    names = "\n".join(f'  "{channel.name}",' for channel in CHANNELS)
    blocks.append(f"export const CHANNELS = [\n{names}\n] as const;")
    blocks.append("export type ChannelName = (typeof CHANNELS)[number];")
    return "\n\n".join([HEAD, *blocks]) + "\n"


def _structs(roots: Iterable[type[msgspec.Struct]]) -> list[shape.StructType]:
    """Return the structs that are reached, each once, those that are needed first."""
    found: dict[type[msgspec.Struct], shape.StructType] = {}

    def visit(kind: shape.Type) -> None:
        match kind:
            case shape.StructType(cls=cls, fields=fields) if cls not in found:
                for field in fields:
                    visit(field.type)
                found[cls] = kind
            case shape.UnionType(types=kinds):
                for one in kinds:
                    visit(one)
            case shape.VarTupleType(item_type=item):
                visit(item)

    for root in roots:
        visit(shape.type_info(root))
    return list(found.values())


def _struct(kind: shape.StructType) -> list[str]:
    name, omits = kind.cls.__name__, kind.cls.__struct_config__.omit_defaults
    lines = [] if kind.tag is None else [f'  {kind.tag_field}: "{kind.tag}";']
    lines += [f"  {field.name}: {_type(field.type)};" for field in kind.fields]
    about = (kind.cls.__doc__ or "").strip().splitlines()[0]
    blocks = [f"/** {about} */\nexport interface {name} {{\n" + "\n".join(lines) + "\n}"]
    defaults = {f.name: f.default for f in kind.fields if f.default is not NODEFAULT}
    if omits and defaults:
        constant = f"{name.upper()}_DEFAULTS"
        values = "\n".join(f"  {key}: {_value(value)}," for key, value in defaults.items())
        blocks.append(f"export const {constant} = {{\n{values}\n}} satisfies Partial<{name}>;")
        blocks.append(
            f"export type Sent{name} = Omit<{name}, keyof typeof {constant}> & Partial<{name}>;"
        )
    return blocks


def _name(kind: type[msgspec.Struct]) -> str:
    sent = kind.__struct_config__.omit_defaults and any(
        field.default is not NODEFAULT for field in msgspec.structs.fields(kind)
    )
    return f"Sent{kind.__name__}" if sent else kind.__name__


def _type(kind: shape.Type) -> str:
    if type(kind) in PLAIN:
        return PLAIN[type(kind)]
    match kind:
        case shape.Metadata(type=within):
            return _type(within)
        case shape.StructType(cls=cls):
            return _name(cls)
        case shape.LiteralType(values=values):
            return " | ".join(_value(value) for value in values)
        case shape.UnionType(types=kinds):
            return " | ".join(dict.fromkeys(_type(one) for one in kinds))
        case shape.VarTupleType() | shape.TupleType():
            return _tuple(kind)
    raise TypeError(f"{type(kind).__name__} has no TypeScript: add it to {__name__}")


def _tuple(kind: shape.VarTupleType | shape.TupleType) -> str:
    if isinstance(kind, shape.TupleType):
        return f"readonly [{', '.join(_type(item) for item in kind.item_types)}]"
    item = _type(kind.item_type)
    return f"readonly ({item})[]" if " " in item else f"readonly {item}[]"


def _value(value: Any) -> str:
    return msgspec.json.encode(value).decode()
