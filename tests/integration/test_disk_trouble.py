"""A driver's app whose disk fails goes on live, states it everywhere, and recovers by itself."""

from pathlib import Path
from typing import Final

import pytest

from producers.drive import Status
from producers.spool.database import SpoolError
from tests.faults.ledger import read_ledger
from tests.integration.test_drive import App, Hub, hub
from tests.tools import spooled
from tests.tools.hub import eventually

__all__ = ["hub"]

SOME: Final = 60
HOLES: Final = "select first_chunk, last_chunk from holes where gone and not refused"


async def status(app: App, of: str, wanted: bool) -> Status:
    """Wait for a status that has a field set, or not."""

    async def stated() -> bool:
        assert not app.task.done(), "the app ended by itself"
        return bool(app.statuses) and bool(getattr(app.statuses[-1], of)) is wanted

    await eventually(stated, f"{of} is {'set' if wanted else 'not set'}")
    return app.statuses[-1]


def made(hub: Hub) -> int:
    return len(read_ledger(hub.folder / "pc.ledger").made)


async def test_an_app_that_cannot_open_its_spool_drives_live_and_keeps_chunks_once_it_can(
    hub: Hub,
) -> None:
    blocked = hub.folder / "pc"
    blocked.write_text("a file where the folder belongs")
    app = hub.drive()
    await status(app, "not_kept", True)
    assert "File exists" in (await status(app, "disk_trouble", True)).disk_trouble
    assert app.rows() == []
    some = f"select count(*) >= {SOME} from telemetry"
    await eventually(lambda: hub.database.value(some), "its chunks are in Postgres")
    blocked.unlink()
    await app.drives(SOME)
    await status(app, "disk_trouble", False)
    await app.park()
    stored = await hub.database.value("select count(*) from telemetry")
    # Chunks made before the app was connected are lost where no disk keeps them.
    holes = list(map(tuple, await hub.database.rows(HOLES)))
    assert holes == ([(0, made(hub) - stored - 1)] if stored < made(hub) else [])
    assert stored > SOME


async def test_chunks_that_neither_disk_nor_link_took_are_declared_gone(hub: Hub) -> None:
    disk, spool = hub.folder / "disk", hub.folder / "pc"
    disk.mkdir()
    spool.symlink_to(disk)
    app = hub.drive()
    await app.drives(SOME)
    hub.nats.stop()
    _points_to(spool, hub.folder / "pc.ledger")
    refused = await status(app, "not_kept", True)
    _points_to(spool, disk)
    await app.drives(SOME)
    hub.nats.start()
    await app.park()
    holes = await hub.database.rows(HOLES)
    assert sum(hole["last_chunk"] - hole["first_chunk"] + 1 for hole in holes) >= refused.not_kept
    stored = {row[3] for row in await hub.stored()}
    assert {row[3] for row in app.rows()} <= stored
    gone = {n for first, last in map(tuple, holes) for n in range(first, last + 1)}
    assert stored | gone == set(range(made(hub)))
    assert not stored & gone


async def test_a_rotten_chunk_is_a_hole_and_those_behind_it_are_sent(hub: Hub) -> None:
    hub.nats.stop()
    first = hub.drive()
    await first.drives(SOME)
    await first.quit()
    spooled.damage_rows(hub.folder / "pc", range(7, 9), spooled.flip_in(5))
    hub.nats.start()
    second = hub.drive()
    await second.drives(SOME)
    await second.park()
    assert [tuple(hole) for hole in await hub.database.rows(HOLES)] == [(7, 8)]
    lost = {row for row in first.rows() if row[3] in (7, 8)}
    of_first = min(row[2] for row in lost)
    expected = {row for row in second.rows() if not (row[2] == of_first and row[3] in (7, 8))}
    assert await hub.stored() == sorted(expected)


async def test_a_spool_of_a_newer_version_ends_the_app_with_the_remedy(hub: Hub) -> None:
    first = hub.drive()
    await first.drives(5)
    await first.quit()
    spooled.execute(hub.folder / "pc", "pragma user_version = 99")
    with pytest.raises(SpoolError, match="newer version of PitBox: update"):
        await hub.drive().task


def _points_to(link: Path, target: Path) -> None:
    """Let a link point elsewhere from one instant to the next."""
    other = link.with_name("other")
    other.symlink_to(target)
    other.replace(link)
