"""How long and how often: the whole matrix, and the short set that every change goes through."""

from typing import Final

from msgspec import Struct


class Pace(Struct, frozen=True):
    """Hold the durations and counts that cases take.

    `drive_s` is driven before a fault and between two, `outage_s` a link is cut, `hole_s` a black
    hole lasts, `away_s` anything else is away; `paused_s` is longer than `ack_wait`. `backlog_s`
    of driving wait in a spool.
    """

    drive_s: float
    outage_s: float
    hole_s: float
    away_s: float
    kills: int
    ack_wait: str
    paused_s: float
    chaos_s: float
    backlog_s: int


WHOLE: Final = Pace(
    drive_s=5,
    outage_s=60,
    hole_s=20,
    away_s=12,
    kills=6,
    ack_wait="30s",
    paused_s=40,
    chaos_s=100,
    backlog_s=3600,
)
SHORT: Final = Pace(
    drive_s=1.5,
    outage_s=4,
    hole_s=4,
    away_s=3,
    kills=2,
    ack_wait="2s",
    paused_s=4,
    chaos_s=20,
    backlog_s=120,
)
