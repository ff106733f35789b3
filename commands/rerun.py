"""Fold a recorded session through today's coach, and print what it says otherwise."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
from msgspec import Struct

from commands import database
from commands.cli import CommandError
from commands.terminal import table

if TYPE_CHECKING:
    from schemas.coaching import Moment

COLUMNS: Final = ("Driver", "Lap", "Moment", "Before", "Now")

DRIVERS: Final = "select distinct driver from passes where session = $1 order by driver"

COMPARED: Final = ("corner", "cause", "worth_s", "pattern", "evidence", "priority", "say")
"""The fields of which a moment consists; others state where it comes from."""

Kind = Literal["added", "dropped", "changed"]
ByLap = Mapping[tuple[str, int], "Moment"]


class Difference(Struct, frozen=True, kw_only=True):
    """State how the moment of a lap differs: None where there is none."""

    driver: str
    car: str
    lap_number: int
    kind: Kind
    before: dict[str, Any] | None
    now: dict[str, Any] | None


def rerun(consumer: Literal["coach"], session: str, /, *, json: bool = False) -> None:
    """Fold a recorded session through today's coach; print moments added, dropped and changed.

    Nothing is written: `pitbox rebuild` replaces the facts of a session.

    Example: pitbox rerun coach spa-race-1

    Parameters
    ----------
    consumer
        the service whose decisions are made again: coach
    session
        the session, as `pitbox sessions` lists it
    json
        print a list of objects
    """
    laps, differences = database.run(lambda connection: _compared(connection, session))
    if json:
        print(msgspec.json.encode(differences).decode())
        return
    if differences:
        print(table(COLUMNS, map(_cells, differences)))
    counts = [sum(one.kind == kind for one in differences) for kind in ("added", "dropped")]
    changed = len(differences) - sum(counts)
    print(f"{laps} laps: {counts[0]} moments added, {counts[1]} dropped, {changed} changed")


async def _compared(connection: Any, session: str) -> tuple[int, list[Difference]]:
    """Return the number of laps, and the moments that differ from those in Postgres."""
    from consumers.coach.service import Coach
    from consumers.coach.tables import moment as moments
    from schemas.coaching import Moment

    drivers = [row["driver"] for row in await connection.fetch(DRIVERS, session)]
    if not drivers:
        raise CommandError(
            f"no corners of a session {session} are derived: `pitbox sessions` lists sessions"
        )
    laps, coach = 0, Coach()
    differences = list[Difference]()
    for driver in drivers:
        now: dict[tuple[str, int], Moment] = {}
        state, owner = coach.initial(), (session, driver)
        for item in await coach.items(connection, owner):
            material = await coach.material(connection, owner, item)
            state, facts = coach.step(state, item, material)
            now |= {moments.place(fact): fact for fact in facts if isinstance(fact, Moment)}
            laps += 1
        rows = map(moments.fact, await connection.fetch(moments.SELECT, *owner))
        before = {moments.place(one): one for one in rows if not one.withdrawn}
        differences += _differences(driver, before, now)
    return laps, differences


def _differences(driver: str, before: ByLap, now: ByLap) -> Iterator[Difference]:
    for car, lap_number in sorted(before.keys() | now.keys()):
        was, known = _fields(before.get((car, lap_number))), _fields(now.get((car, lap_number)))
        if was != known:
            kind: Kind = "added" if was is None else "dropped" if known is None else "changed"
            yield Difference(
                driver=driver, car=car, lap_number=lap_number, kind=kind, before=was, now=known
            )


def _fields(moment: "Moment | None") -> dict[str, Any] | None:
    return None if moment is None else {name: getattr(moment, name) for name in COMPARED}


def _cells(one: Difference) -> tuple[str, ...]:
    return one.driver, str(one.lap_number), one.kind, _words(one.before), _words(one.now)


def _words(moment: dict[str, Any] | None) -> str:
    if moment is None:
        return "–"
    words = moment["cause"].replace("_", " ")
    return f"{moment['corner']} {words}, {moment['worth_s']:.3f} s"
