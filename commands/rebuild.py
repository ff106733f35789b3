"""Derive the facts of a session anew, and print what changed."""

import asyncio
import importlib
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from commands import database
from commands.cli import CommandError
from commands.hub import nearby
from commands.terminal import table
from pitbox.topology import load

POLL_S: Final = 0.3
REPORT_S: Final = 5.0
WAIT_S: Final = 600.0
SHOWN: Final = 60
"""The most characters of a value in the table; `--json` prints all."""

COLUMNS: Final = ("Driver", "Fact", "Field", "Before", "After")
COUNTED: Final = ("revision", "at_ns", "frames")
"""Fields that grow while a lap is driven."""

HAVE: Final = "select driver, run, have::text as have from run where session = $1"

FOLDS: Final = "select distinct consumer from fold where session = $1"
"""The services that have derived facts of a session; another one may not run here."""

REMOVED: Final = "select max(expired_at) from run where session = $1 and expired <> '{}'"

LEFT: Final = """
select coalesce(sum(upper(part) - lower(part)), 0)::int
from unnest($2::text[], $3::bigint[], $4::text[]) as had (driver, run, have)
left join folded as f on f.session = $1 and f.driver = had.driver and f.run = had.run,
unnest(had.have::int4multirange - coalesce(f.chunks, '{}')) as part
"""


class Change(Struct, frozen=True, kw_only=True):
    """State a field of a fact that is different now; `field` is "" for a whole fact."""

    driver: str
    fact: str
    field: str = ""
    before: Any = None
    after: Any = None


def rebuild(session: str, /, *, json: bool = False) -> None:
    """Derive all facts of a session again from its stored chunks, and print what changed.

    Example: pitbox rebuild spa-race-1

    Parameters
    ----------
    session
        the session, as `pitbox sessions` lists it
    json
        print a list of objects
    """
    changes = database.run(lambda connection: _rebuilt(connection, session))
    if json:
        print(msgspec.json.encode(changes).decode())
    elif changes:
        rows = [(c.driver, c.fact, c.field, _shown(c.before), _shown(c.after)) for c in changes]
        print(table(COLUMNS, rows))
    else:
        print("nothing changed")


async def _rebuilt(connection: Any, session: str) -> list[Change]:
    """Forget what the facts of a session rest on, wait until they are derived, and compare."""
    from pitbox.postgres import folds, refined

    topology = load(nearby.find().settings.streams)
    runs = await connection.fetch(HAVE, session)
    if not runs:
        raise CommandError(f"no session {session}: `pitbox sessions` lists them")
    drivers = sorted({row["driver"] for row in runs})
    if removed := await connection.fetchval(REMOVED, session):
        raise CommandError(
            f"retention removed telemetry of {session} on {removed:%Y-%m-%d %H:%M}: its laps "
            "cannot be derived again and stay as they are"
        )
    services = (*topology.derives, *topology.refines)
    had_folds = {row["consumer"] for row in await connection.fetch(FOLDS, session)}
    refines = {name: of for name, of in topology.refines.items() if name in had_folds}
    before = await _facts(connection, session, drivers, services)
    await folds.rebuild(connection, session)
    had = tuple([row[column] for row in runs] for column in ("driver", "run", "have"))
    deadline, reported_s = time.monotonic() + WAIT_S, time.monotonic()
    while (left := await connection.fetchval(LEFT, session, *had)) or (
        await refined.behind(connection, session, refines)
    ):
        left_words = f"{left} chunks" if left else "facts that rest on others"
        if time.monotonic() > deadline:
            raise CommandError(
                f"{left_words} are not derived yet: `pitbox status` shows whether "
                f"{', '.join(services)} run, which derive them once they do"
            )
        if time.monotonic() - reported_s > REPORT_S:
            print(f"{left_words} left", file=sys.stderr)
            reported_s = time.monotonic()
        await asyncio.sleep(POLL_S)
    return _changes(before, await _facts(connection, session, drivers, services))


async def _facts(
    connection: Any, session: str, drivers: Sequence[str], services: Sequence[str]
) -> dict[tuple[str, str], Any]:
    """Return the facts of services by driver and name."""
    from pitbox.postgres import facts

    found = {}
    for service in services:
        tables = facts.scan(importlib.import_module(f"consumers.{service}.tables"))
        for driver in drivers:
            for place, fact in (await tables.read(connection, session, driver)).items():
                found[driver, " ".join(str(part) for part in place if part != "")] = fact
    return found


def _changes(before: dict[tuple[str, str], Any], after: dict[tuple[str, str], Any]) -> list[Change]:
    changes = []
    for driver, name in sorted(before.keys() | after.keys()):
        old, new = before.get((driver, name)), after.get((driver, name))
        if old is None or new is None:
            states = ("missing" if fact is None else "there" for fact in (old, new))
            changes.append(
                Change(driver=driver, fact=name, before=next(states), after=next(states))
            )
            continue
        for field in set(new.__struct_fields__) - set(COUNTED):
            was, now = getattr(old, field), getattr(new, field)
            if was != now:
                changes.append(Change(driver=driver, fact=name, field=field, before=was, after=now))
    return changes


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(map(_shown, value))
    text = "–" if value is None else str(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
