"""Laps of the driver's car, and of others as the driver's PC saw them."""

from typing import Any, Final

from schemas.timing import Lap

EVENT: Final = Lap

COLUMNS: Final = (
    *("session", "driver", "car", "lap_number", "revision", "at_ns", "own", "lap_time_s"),
    *("timed_by", "sectors_s", "valid", "in_lap", "out_lap", "pit", "complete", "frames"),
    *("run", "started_ns", "ended_ns", "fuel_used"),
)

SELECT: Final = f"select {', '.join(COLUMNS)} from lap where session = $1 and driver = $2"

UPSERT: Final = """
insert into lap (
    session, driver, car, lap_number, revision, at_ns, own, lap_time_s, timed_by, sectors_s,
    valid, in_lap, out_lap, pit, complete, frames, run, started_ns, ended_ns, fuel_used
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
on conflict (session, driver, car, lap_number) do update set
    revision = excluded.revision,
    at_ns = excluded.at_ns,
    own = excluded.own,
    lap_time_s = excluded.lap_time_s,
    timed_by = excluded.timed_by,
    sectors_s = excluded.sectors_s,
    valid = excluded.valid,
    in_lap = excluded.in_lap,
    out_lap = excluded.out_lap,
    pit = excluded.pit,
    complete = excluded.complete,
    frames = excluded.frames,
    run = excluded.run,
    started_ns = excluded.started_ns,
    ended_ns = excluded.ended_ns,
    fuel_used = excluded.fuel_used
"""


DELETE: Final = (
    "delete from lap where session = $1 and driver = $2 and car = $3 and lap_number = $4"
)


def place(lap: Lap) -> tuple[str, int]:
    """Return car and number."""
    return lap.car, lap.lap_number


def fact(row: Any) -> Lap:
    """Return the lap of a row."""
    return Lap(**{**row, "sectors_s": tuple(row["sectors_s"])})


def parameters(lap: Lap) -> tuple[Any, ...]:
    """Return the values of a lap's row."""
    return (
        *(lap.session, lap.driver, lap.car, lap.lap_number, lap.revision),
        *(lap.at_ns, lap.own, lap.lap_time_s, lap.timed_by, lap.sectors_s),
        *(lap.valid, lap.in_lap, lap.out_lap, lap.pit, lap.complete, lap.frames),
        *(lap.run, lap.started_ns, lap.ended_ns, lap.fuel_used),
    )
