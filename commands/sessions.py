"""List sessions in Postgres: drivers, laps, and holes in the telemetry."""

import sys
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from cyclopts import App
from msgspec import Struct

from commands import database
from commands.deletion import delete
from commands.pins import pin, unpin
from commands.terminal import table
from pitbox.chunks import ranges
from pitbox.postgres.sessions import LISTED
from schemas.telemetry import Range

COLUMNS: Final = (
    *("Session", "Driver", "Track", "Car", "Laps", "Best", "Chunks", "Missing", "Gone"),
    "Retention",
)

RUNS: Final = """
select
    session, driver, run, made, closed,
    (
        select coalesce(sum(upper(part) - lower(part)), 0)::int from unnest(have - expired) as part
    ) as have,
    (select coalesce(sum(upper(part) - lower(part)), 0)::int from unnest(expired) as part)
    as removed,
    (select coalesce(sum(upper(part) - lower(part)), 0)::int from unnest(dead) as part) as dead
from run where session = any($1)
order by array_position($1, session), driver, run
"""
ABOUT: Final = """
select session, driver, source, kind, track, car_model from session where session = any($1)
"""
LAPS: Final = """
select session, driver, count(*)::int as laps, min(lap_time_s) filter (where valid) as best
from lap where session = any($1) and own and lap_time_s is not null group by session, driver
"""
PINNED: Final = "select session from pinned where session = any($1)"
HOLES: Final = """
select session, driver, run, gone, first_chunk, last_chunk from holes where session = any($1)
order by session, driver, run, first_chunk
"""

Who = tuple[str, str]

app = App(name="sessions")
app.command(delete)
app.command(pin)
app.command(unpin)


class Run(Struct, frozen=True, kw_only=True):
    """State what Postgres has of a run of a driver's app; `made` is None before its first mark.

    `removed` counts the chunks that retention has removed.
    """

    run: int
    made: int | None
    closed: bool
    have: int
    dead: int
    removed: int = 0
    missing: tuple[Range, ...] = ()
    gone: tuple[Range, ...] = ()


class Driven(Struct, frozen=True, kw_only=True):
    """Summarise one driver's part of a session."""

    session: str
    driver: str
    source: str = ""
    kind: str = "unknown"
    track: str = ""
    car_model: str = ""
    laps: int = 0
    best_lap_time_s: float | None = None
    pinned: bool = False
    runs: tuple[Run, ...] = ()

    @property
    def removed(self) -> int:
        """Return how many chunks retention has removed."""
        return sum(run.removed for run in self.runs)


@app.default
def sessions(name: str = "", /, *, limit: database.AtMost = 20, json: bool = False) -> None:
    """List sessions, and the laps, chunks and holes of each driver.

    Example: pitbox sessions --json

    Parameters
    ----------
    name
        only this session
    limit
        the number of latest sessions; the newest 50 of each driver come first
    json
        print a list of objects, with every run and hole
    """
    chosen = [name] if name else listed(limit)
    driven = read(chosen[:limit])
    if json:
        print(msgspec.json.encode(driven).decode())
    elif driven:
        _print(driven)
    else:
        print(f"no session {name}" if name else "no sessions yet", file=sys.stderr)
    if len(chosen) > limit:
        print(f"older sessions are left out: pitbox sessions --limit {2 * limit}", file=sys.stderr)


def listed(limit: int) -> list[str]:
    """Return the names of the latest sessions, one more than `limit` if there are more."""
    rows = database.fetch(LISTED, [], None, None, None, limit + 1)
    return [row["session"] for row in rows]


def read(chosen: Sequence[str]) -> list[Driven]:
    """Return sessions in Postgres by name; raises CommandError."""
    runs = database.fetch(RUNS, chosen)
    about = {_who(row): dict(row) for row in database.fetch(ABOUT, chosen)}
    laps = {_who(row): row for row in database.fetch(LAPS, chosen)}
    pinned = {row["session"] for row in database.fetch(PINNED, chosen)}
    holes: dict[tuple[str, str, int, bool], list[Range]] = {}
    for row in database.fetch(HOLES, chosen):
        key = (*_who(row), row["run"], row["gone"])
        holes.setdefault(key, []).append((row["first_chunk"], row["last_chunk"]))
    found: dict[Who, list[Run]] = {}
    for row in runs:
        run = Run(
            **{field: row[field] for field in ("run", "made", "closed", "have", "dead", "removed")},
            missing=tuple(holes.get((*_who(row), row["run"], False), ())),
            gone=tuple(holes.get((*_who(row), row["run"], True), ())),
        )
        found.setdefault(_who(row), []).append(run)
    return [
        Driven(
            **about.get(who, {"session": who[0], "driver": who[1]}),
            laps=laps[who]["laps"] if who in laps else 0,
            best_lap_time_s=laps[who]["best"] if who in laps else None,
            pinned=who[0] in pinned,
            runs=tuple(of_driver),
        )
        for who, of_driver in found.items()
    ]


def _who(row: Any) -> Who:
    return row["session"], row["driver"]


def _print(driven: Sequence[Driven]) -> None:
    rows = []
    for each in driven:
        have = sum(run.have for run in each.runs)
        missing = sum(ranges.count(run.missing) for run in each.runs)
        gone = sum(ranges.count(run.gone) for run in each.runs)
        numbers = (str(each.laps), _clock(each.best_lap_time_s), have, missing or "", gone or "")
        retention = "pinned" if each.pinned else "telemetry removed" * (each.removed > 0)
        names = (each.session, each.driver, each.track, each.car_model)
        rows.append((*names, *map(str, numbers), retention))
    print(table(COLUMNS, rows))


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest_ms = divmod(round(seconds * 1000), 60_000)
    return f"{minutes}:{rest_ms / 1000:06.3f}"
