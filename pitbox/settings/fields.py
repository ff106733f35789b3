"""Field types that several groups of settings share."""

from collections.abc import Callable
from typing import Annotated

from msgspec import Meta

from schemas.telemetry import NAME, NAME_WORDS
from schemas.text import text

Port = Annotated[int, Meta(ge=0, le=65535)]
Text = Annotated[str, Meta(min_length=1)]
OptionalName = Annotated[str, text(f"({NAME})?", NAME_WORDS)]


def check_value(variable: str, check: Callable[[str], object], value: str) -> None:
    """Apply `check` to a value; raises ValueError naming the variable."""
    try:
        check(value)
    except ValueError as error:
        raise ValueError(f"{variable}: {error}") from None
