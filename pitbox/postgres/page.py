"""Cut the rows of a query into a page and the position after it."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Generic, TypeVar

from msgspec import Meta, Struct

Row = TypeVar("Row")

MAX_ROWS: Final = 500
EACH: Final = 50
"""Rows of each driver before any driver gets more, so that no driver hides the others' rows."""

# Positions come back from clients, and Postgres has to accept them as parameters.
Text = Annotated[str, Meta(pattern=r"^[^\x00]*\Z", max_length=512)]
Integer = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Long = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Page(Struct, Generic[Row], frozen=True):
    """Hold rows of a list, and the position of the last one; None when no more follow."""

    rows: list[Row]
    after: Any = None


def page(
    found: Sequence[Any], limit: int, make: Callable[[Any], Row], key: Callable[[Any], Any]
) -> Page[Row]:
    """Return the first `limit` of rows that were queried with one more than that."""
    kept = found[:limit]
    rest = len(found) > limit
    return Page([make(row) for row in kept], key(kept[-1]) if rest else None)
