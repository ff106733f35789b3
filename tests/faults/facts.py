"""Compare the facts in Postgres with a fresh fold of the chunks in Postgres."""

import contextlib
from collections import defaultdict
from typing import Any, Final

import asyncpg
from msgspec.structs import replace

from consumers.timing import tables
from consumers.timing.service import Timing
from pitbox.postgres import facts, telemetry
from pitbox.postgres.facts import Place
from schemas.timing import Lap

RUNS: Final = """
select session, driver, run, max(last_chunk) as last from telemetry_part group by 1, 2, 3
"""
OWNERS: Final = "select session, driver from session union select session, driver from lap"
EXPIRED: Final = "select session, driver from run where expired <> '{}'"
PAGE: Final = 2000

TABLES: Final = facts.scan(tables)

Owned = dict[Place, Any]


async def wrong(connection: asyncpg.Connection) -> dict[Place, tuple[Any, Any]]:
    """Return the facts that differ: what Postgres has, and what its chunks say.

    The facts of drivers whose telemetry retention has removed rest on chunks that are no more.
    """
    found: dict[Place, tuple[Any, Any]] = {}
    async with connection.transaction(isolation="repeatable_read"):
        fresh = await _fresh(connection)
        owners = {*fresh, *map(tuple, await connection.fetch(OWNERS))}
        for owner in owners - set(map(tuple, await connection.fetch(EXPIRED))):
            stored = _steady(await TABLES.read(connection, *owner))
            derived = fresh.get(owner, {})
            for place in stored.keys() | derived.keys():
                if stored.get(place) != derived.get(place):
                    found[*owner, *place] = stored.get(place), derived.get(place)
    return found


async def derive(connection: asyncpg.Connection) -> None:
    """Write the facts of all chunks, as timing does."""
    for owner, derived in (await _fresh(connection)).items():
        await TABLES.write(connection, owner, derived, ())


async def _fresh(connection: asyncpg.Connection) -> dict[tuple[str, str], Owned]:
    """Fold all chunks of each driver in a session, without any state that was kept."""
    runs = defaultdict(list)
    for session, driver, run, last in await connection.fetch(RUNS):
        runs[session, driver].append((run, last))
    fold, derived = Timing(), {}
    for owner, parts in runs.items():
        state = fold.restore(owner, None, ())
        for run, last in sorted(parts):
            for first in range(0, last + 1, PAGE):
                page = await telemetry.chunks(connection, owner, run, first, first + PAGE - 1)
                for chunk in page:
                    with contextlib.suppress(ValueError):
                        state = fold.add(state, chunk)
        derived[owner] = _steady(TABLES.keyed(fold.facts(state)))
    return derived


def _steady(stored: Owned) -> Owned:
    """Return facts without their revisions, which count how often a fact was issued."""
    return {
        place: replace(fact, revision=0) if isinstance(fact, Lap) else fact
        for place, fact in stored.items()
    }
