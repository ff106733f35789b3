"""How processes log."""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class Log(Struct, frozen=True, forbid_unknown_fields=True):
    """How processes log."""

    format: Annotated[
        Literal["auto", "json", "console"],
        Meta(description="auto: console on a terminal, else json"),
    ] = "auto"
    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="least level that is logged: debug, info, warning or error"),
    ] = "info"
