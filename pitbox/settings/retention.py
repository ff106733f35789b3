"""Settings of retention: what Postgres removes by age and by size."""

from typing import Annotated

from msgspec import Meta, Struct


class Retention(Struct, frozen=True, forbid_unknown_fields=True):
    """Limit what Postgres keeps; everything is off by default, and pinned sessions stay.

    A session's age is the time since the hub last stored something of it. Telemetry goes before
    facts: laps stay without their traces. The page announces a removal ahead.
    """

    telemetry_days: Annotated[
        float, Meta(ge=0, le=36_500, description="days for which telemetry is kept; 0: for ever")
    ] = 0
    facts_days: Annotated[
        float,
        Meta(
            ge=0,
            le=36_500,
            description="days after which a session is deleted, laps too; 0: never",
        ),
    ] = 0
    telemetry_bytes: Annotated[
        int,
        Meta(
            ge=0,
            description="size of telemetry in Postgres above which that of the oldest sessions is "
            "removed; 0: no limit",
        ),
    ] = 0
    notice_hours: Annotated[
        float,
        Meta(ge=0, le=8_760, description="hours for which a removal by age is announced ahead"),
    ] = 24
    bytes_notice_hours: Annotated[
        float,
        Meta(
            ge=0,
            le=8_760,
            description="hours for which a removal by size is announced ahead: short, because cars "
            "fill the room meanwhile",
        ),
    ] = 1

    def __post_init__(self) -> None:
        """Check that telemetry goes first; raises ValueError."""
        if 0 < self.facts_days < self.telemetry_days:
            raise ValueError(
                "PITBOX_RETENTION__FACTS_DAYS: is below PITBOX_RETENTION__TELEMETRY_DAYS, but "
                "telemetry goes before facts"
            )
