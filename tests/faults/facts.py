"""Compare the facts in Postgres with a fresh fold of the chunks in Postgres.

Facts of facts are compared with a fresh fold of those.
"""

import contextlib
from collections import defaultdict
from typing import Any, Final

import asyncpg
from msgspec.structs import replace

from consumers.coach import tables as coach_tables
from consumers.coach.service import Coach
from consumers.corners import tables as corners_tables
from consumers.corners.service import Corners
from consumers.timing import tables
from consumers.timing.service import Timing
from pitbox.postgres import facts, refined, telemetry
from pitbox.postgres.facts import FactTables, Place
from pitbox.service.refinement import Refinement

RUNS: Final = """
select session, driver, run, max(last_chunk) as last from telemetry_part group by 1, 2, 3
"""
OWNERS: Final = "select session, driver from session union select session, driver from lap"
EXPIRED: Final = "select session, driver from run where expired <> '{}'"
PAGE: Final = 2000

TABLES: Final = facts.scan(tables)
REFINED: Final[dict[str, tuple[Refinement[Any], FactTables]]] = {
    "timing": (Corners(), facts.scan(corners_tables)),
    "corners": (Coach(), facts.scan(coach_tables)),
}
"""The services that derive facts from facts, by those that they take them of."""

UNPUBLISHED: Final = "select session, driver, consumer from fold where unpublished is not null"

Owned = dict[Place, Any]


async def wrong(
    connection: asyncpg.Connection, *, refines: bool = False
) -> dict[Place, tuple[Any, Any]]:
    """Return the facts that differ: what Postgres has, and what its chunks say.

    With `refines` facts of facts are compared too: the services that derive them run.

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
            if refines and not found:
                found |= await _wrongly_refined(connection, owner)
        found |= {tuple(row): (None, None) for row in await connection.fetch(UNPUBLISHED)}
    return found


async def _wrongly_refined(
    connection: asyncpg.Connection, owner: tuple[str, str]
) -> dict[Place, tuple[Any, Any]]:
    """Return the facts of facts that differ, or the session while they rest on older ones."""
    refines = {refinement.name: source for source, (refinement, _) in REFINED.items()}
    if await refined.behind(connection, owner[0], refines):
        return {owner: (None, None)}
    found = {}
    for source, (refinement, kept) in REFINED.items():
        if not await refined.source_generation(connection, source, owner):
            continue
        stored = _steady(await kept.read(connection, *owner))
        derived = await _refolded(connection, refinement, kept, owner)
        for place in stored.keys() | derived.keys():
            fact = stored.get(place)
            withdrawn = place not in derived and refinement.withdrawn(fact) == fact
            if fact != derived.get(place) and not withdrawn:
                found[*owner, *place] = fact, derived.get(place)
    return found


async def _refolded(
    connection: asyncpg.Connection,
    refinement: Refinement[Any],
    kept: FactTables,
    owner: tuple[str, str],
) -> Owned:
    """Go over the facts of a driver in a session, without any state that was kept."""
    state, derived = refinement.initial(), dict[Place, Any]()
    for item in await refinement.items(connection, owner):
        material = await refinement.material(connection, owner, item)
        state, made = refinement.step(state, item, material)
        derived |= kept.keyed(made)
    return _steady(derived)


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
        place: replace(fact, revision=0) if "revision" in fact.__struct_fields__ else fact
        for place, fact in stored.items()
    }
