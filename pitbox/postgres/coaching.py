"""Rows of moments, silences and debriefs, which coach writes."""

from typing import Final

from pitbox.postgres.columns import Columns
from schemas.coaching import Debrief, Moment, Silence

KEY: Final = ("session", "driver", "car", "lap_number")

MOMENTS: Final = Columns(Moment, key=KEY, json=("evidence", "where", "say"))
SILENCES: Final = Columns(Silence, key=KEY)
DEBRIEFS: Final = Columns(Debrief, key=KEY, json=("findings",))
