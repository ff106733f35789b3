"""Durations and counts of the whole matrix, and of the short set that runs for every change."""

from typing import Final

from msgspec import Struct


class Pace(Struct, frozen=True):
    """Hold the durations and counts that cases take.

    The driver drives `drive_s` before a fault and between two; a cut lasts `outage_s`, a black hole
    `hole_s`, another outage `away_s`; `paused_s` is longer than `ack_wait`. A prefilled spool holds
    `backlog_s` of driving.
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
