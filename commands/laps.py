"""List laps of a recording, without any server, or of a session in Postgres."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from commands import columns, database, left_out
from commands.cli import CommandError
from commands.terminal import plain, table
from pitbox import settings
from pitbox.postgres.sessions import COLUMNS as SESSION_COLUMNS
from pitbox.postgres.sessions import session_of
from schemas.timing import Lap, Session

SOMEBODY: Final = "driver"
"""The driver of a recording where PITBOX_DRIVER__NAME is not set."""

QUERY: Final = (
    "select * from lap where session = $1 order by driver, not own, length(car), car, lap_number"
)
ABOUT: Final = f"select {', '.join(SESSION_COLUMNS)} from session where session = $1"
COLUMNS: Final = ("Lap", "Time", "Sectors", "Counts", "Notes", "Fuel")


def laps(
    *,
    file: Path | None = None,
    session: str | None = None,
    map_: columns.Chosen = None,
    json: bool = False,
    all_: bool = False,
) -> None:
    """List the laps of a recording, or of a session in Postgres.

    JSON contains the laps of all cars, the driver's own first, because a recording may end before
    its own car's first lap; `own` distinguishes them. The table contains the driver's own car.
    Neither contains laps without a time: laps in progress, and laps that were not seen whole. A
    last line states which telemetry was not used; with --json it is on standard error, and does
    not count datagrams that came late or twice.

    Example: pitbox laps --file stint.ibt --json

    Parameters
    ----------
    file
        a recording: .ibt, .ld, .csv, .pcap or .pcapng (the last three gzipped or not), .gtz
    session
        a session in Postgres, see `pitbox sessions`
    map_
        CHANNEL=COLUMN or CHANNEL:UNIT=COLUMN of a .csv; `time` is a channel too
    json
        print a list of objects
    all_
        also laps without a time, and in the table other cars
    """
    if file and not session:
        mapped = map_ or []
        columns.show([file], mapped, guesses_only=True)
        found, sessions = of_recording(file, mapped)
    elif session and not file:
        found, sessions = _of_session(session)
    else:
        raise CommandError("give either a recording with --file or a session with --session")
    lost = [one for about in sessions for one in about.left_out]
    chosen = [lap for lap in found if all_ or lap.lap_time_s is not None]
    if json:
        print(msgspec.json.encode([msgspec.structs.asdict(lap) for lap in chosen]).decode())
        if said := left_out.sentence(one for one in lost if one.reason != "late"):
            print(f"pitbox: {said}", file=sys.stderr)
        return
    shown = [lap for lap in chosen if all_ or lap.own]
    _print(shown, sessions, more=len(found) - len(shown))
    if said := left_out.sentence(lost):
        print(said)


def of_recording(path: Path, chosen: Sequence[str] = ()) -> tuple[list[Lap], list[Session]]:
    """Return the laps and sessions of a recording, as its import computes them.

    `chosen` are mappings of a table's columns. Raises CommandError.
    """
    from consumers.timing import replay
    from producers.imports import chunks_of, digest_of
    from producers.source import SourceError

    driver = settings.load().driver
    driver = replace(driver, name=driver.name or SOMEBODY)
    try:
        sessions, found = replay.facts(chunks_of(path, digest_of(path, chosen), driver, chosen))
    except SourceError as error:
        raise CommandError(str(error)) from None
    return found, sessions


def _of_session(session: str) -> tuple[list[Lap], list[Session]]:
    rows = database.fetch(QUERY, session)
    if not rows:
        raise CommandError(f"Postgres has no laps of a session {session!r}: see `pitbox sessions`")
    sessions = map(session_of, database.fetch(ABOUT, session))
    return [msgspec.convert(dict(row), Lap) for row in rows], list(sessions)


def _print(shown: Sequence[Lap], sessions: Iterable[Session], more: int) -> None:
    for title, group in _by_car(shown, sessions):
        print(title)
        print(table(COLUMNS, map(_cells, group)))
    if not shown:
        print("no laps of the own car with a time")
    if more:
        print(f"{more} more without a time or of other cars: --all")


def _by_car(laps: Iterable[Lap], sessions: Iterable[Session]) -> list[tuple[str, list[Lap]]]:
    about = {(session.session, session.driver): session for session in sessions}
    groups: dict[str, list[Lap]] = {}
    for lap in laps:
        groups.setdefault(_title(lap, about.get((lap.session, lap.driver))), []).append(lap)
    return list(groups.items())


def _title(lap: Lap, session: Session | None) -> str:
    """Return session, driver, track and car; the session has the name of the own car only."""
    track = session.track if session else ""
    model = session.car_model if session and lap.own else ""
    car = f"car {lap.car}" if lap.car else "" if model else "own car"
    return " · ".join(plain(part) for part in (lap.session, lap.driver, track, model, car) if part)


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
