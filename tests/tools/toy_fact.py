"""A kind of fact that exists in tests only."""

from typing import Any, Final

from consumers.gateway.live.facts import TABLE
from consumers.gateway.live.table import Row, Table
from schemas.base import Event


class Shout(Event, frozen=True, kw_only=True, omit_defaults=True, tag="toy.shout"):
    """A driver's shout; Postgres has no table for it."""

    number: int = 0
    about: str = ""
    words: str = ""


def shout(number: int = 0, **changes: Any) -> Shout:
    return Shout(**{"session": "spa", "driver": "ada", "at_ns": 5, "number": number, **changes})


ROW: Final = Row(
    route="toy.shout",
    event=Shout,
    shows_others=lambda shout: shout.about != "",
    key=lambda shout: shout.number,
)
WITH_TOY: Final = Table(*TABLE, ROW)
