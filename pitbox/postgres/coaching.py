"""Rows of moments and silences, which coach writes."""

from typing import Final

from pitbox.postgres.columns import Columns
from schemas.coaching import Moment, Silence

KEY: Final = ("session", "driver", "car", "lap_number")

MOMENTS: Final = Columns(Moment, key=KEY, json=("evidence", "where", "say"))
SILENCES: Final = Columns(Silence, key=KEY)
