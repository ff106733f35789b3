"""List laps of a recording, without any server, or of a session in Postgres."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from commands import database, left_out
from commands.cli import CommandError
from commands.terminal import plain, table
from pitbox import settings
from schemas.sim import LeftOut
from schemas.timing import Lap

SOMEBODY: Final = "driver"
"""The driver of a recording where PITBOX_DRIVER__NAME is not set."""

QUERY: Final = (
    "select * from lap where session = $1 order by driver, not own, length(car), car, lap_number"
)
COLUMNS: Final = ("Lap", "Time", "Sectors", "Counts", "Notes", "Fuel")


def laps(
    *, file: Path | None = None, session: str | None = None, json: bool = False, all_: bool = False
) -> None:
    """List the laps of a recording, or of a session in Postgres.

    JSON contains the laps of all cars, the driver's own first, because a recording may end before
    its own car's first lap; `own` distinguishes them. The table contains the driver's own car.
    Neither contains laps without a time: laps in progress, and laps that were not seen whole. A
    last line states which telemetry of a recording was not used; with --json it is on standard
    error, and does not count datagrams that came late or twice.

    Example: pitbox laps --file stint.ibt --json

    Parameters
    ----------
    file
        a recording: .ibt, .pcap or .pcapng (gzipped or not), .gtz
    session
        a session in Postgres, see `pitbox sessions`
    json
        print a list of objects
    all_
        also laps without a time, and in the table other cars
    """
    lost: tuple[LeftOut, ...] = ()
    if file and not session:
        found, lost = of_recording(file)
    elif session and not file:
        found = _of_session(session)
    else:
        raise CommandError("give either a recording with --file or a session with --session")
    chosen = [lap for lap in found if all_ or lap.lap_time_s is not None]
    if json:
        print(msgspec.json.encode([msgspec.structs.asdict(lap) for lap in chosen]).decode())
        if said := left_out.sentence(one for one in lost if one.reason != "late"):
            print(f"pitbox: {said}", file=sys.stderr)
        return
    shown = [lap for lap in chosen if all_ or lap.own]
    _print(shown, more=len(found) - len(shown))
    if said := left_out.sentence(lost):
        print(said)


def of_recording(path: Path) -> tuple[list[Lap], tuple[LeftOut, ...]]:
    """Return the laps of a recording, as its import computes them, and what they lack.

    Raises CommandError.
    """
    from consumers.timing import replay
    from producers.imports import chunks_of, digest_of
    from producers.source import SourceError

    driver = settings.load().driver
    driver = replace(driver, name=driver.name or SOMEBODY)
    try:
        sessions, found = replay.facts(chunks_of(path, digest_of(path), driver))
    except SourceError as error:
        raise CommandError(str(error)) from None
    return found, tuple(one for session in sessions for one in session.left_out)


def _of_session(session: str) -> list[Lap]:
    rows = database.fetch(QUERY, session)
    if not rows:
        raise CommandError(f"Postgres has no laps of a session {session!r}: see `pitbox sessions`")
    return [msgspec.convert(dict(row), Lap) for row in rows]


def _print(shown: Sequence[Lap], more: int) -> None:
    for title, group in _by_car(shown):
        print(title)
        print(table(COLUMNS, map(_cells, group)))
    if not shown:
        print("no laps of the own car with a time")
    if more:
        print(f"{more} more without a time or of other cars: --all")


def _by_car(laps: Iterable[Lap]) -> list[tuple[str, list[Lap]]]:
    groups: dict[str, list[Lap]] = {}
    for lap in laps:
        car = f"car {plain(lap.car)}" if lap.car else "own car"
        groups.setdefault(f"{lap.session} · {lap.driver} · {car}", []).append(lap)
    return list(groups.items())


def _cells(lap: Lap) -> tuple[str, ...]:
    sectors = "  ".join(f"{sector_s:.3f}" for sector_s in lap.sectors_s)
    fuel = "" if lap.fuel_used is None else f"{lap.fuel_used:.2f}"
    counts = "no" if not lap.valid else "yes" if lap.lap_time_s else ""
    return str(lap.lap_number), _clock(lap.lap_time_s), sectors, counts, _notes(lap), fuel


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return "—"
    minutes, rest_ms = divmod(round(seconds * 1000), 60_000)
    return f"{minutes}:{rest_ms / 1000:06.3f}"


def _notes(lap: Lap) -> str:
    notes = {
        "out lap": lap.out_lap,
        "in lap": lap.in_lap,
        "pit": lap.pit and not (lap.in_lap or lap.out_lap),
        "not seen whole": lap.own and not lap.complete,
        "timed by us": lap.timed_by == "crossing",
    }
    return ", ".join(note for note, applies in notes.items() if applies)
