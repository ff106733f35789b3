"""Settings of logging."""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class Log(Struct, frozen=True, forbid_unknown_fields=True):
    """Configure the format and the level of log lines."""

    format: Annotated[
        Literal["auto", "json", "console"],
        Meta(description="auto, json or console; auto: console on a terminal, else json"),
    ] = "auto"
    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="lowest level to log: debug, info, warning or error"),
    ] = "info"
