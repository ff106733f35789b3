"""Rows of the table `session`, which timing writes and the gateway reads."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from schemas.sim import LeftOut
from schemas.timing import Session

COLUMNS: Final = (
    *("session", "driver", "at_ns", "source", "source_version", "kind", "track", "track_length_m"),
    *("car", "car_model", "sectors", "started_ns", "finished_ns", "left_out"),
)

_left_out: Final = msgspec.json.Decoder(tuple[LeftOut, ...]).decode


def session_of(row: Mapping[str, Any]) -> Session:
    """Return the session of a row that has all `COLUMNS`."""
    fields = {name: row[name] for name in COLUMNS}
    return Session(**fields | {"left_out": _left_out(fields["left_out"])})


def parameters(session: Session) -> tuple[Any, ...]:
    """Return the values of `COLUMNS`."""
    values = {name: getattr(session, name) for name in COLUMNS}
    return (*(values | {"left_out": msgspec.json.encode(session.left_out).decode()}).values(),)
