"""Sessions of drivers."""

from typing import Final

from pitbox.postgres.sessions import COLUMNS, parameters, session_of
from schemas.timing import Session

__all__ = ["DELETE", "EVENT", "SELECT", "UPSERT", "fact", "parameters", "place"]

EVENT: Final = Session

SELECT: Final = f"select {', '.join(COLUMNS)} from session where session = $1 and driver = $2"

UPSERT: Final = f"""
insert into session ({", ".join(COLUMNS)})
values ({", ".join(f"${number}" for number, _ in enumerate(COLUMNS, 1))})
on conflict (session, driver) do update set
    {", ".join(f"{name} = excluded.{name}" for name in COLUMNS[2:])}
"""

DELETE: Final = "delete from session where session = $1 and driver = $2"

fact = session_of


def place(session: Session) -> tuple[()]:
    """Return nothing: a driver has one row in a session."""
    return ()
