"""A driver's PC deletes its copies of a session that was deleted at the hub, and says so."""

import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from producers.imports import import_files
from producers.run_number import RANDOM_BITS
from producers.source import SourceError
from producers.spool.keeper import opened
from producers.spool.retention import KeptRun
from tests.integration.test_deletion import delete, finished
from tests.integration.test_drive import Car, Hub
from tests.tools.hub import apply, eventually
from tests.tools.servers import NatsServer

OWNER = "spa", "ada"
SECTION = "select run from run where session = 'spa'"


@pytest.fixture
async def hub(nats_server: NatsServer, database: str, tmp_path: Path) -> AsyncIterator[Hub]:
    """Run a hub with a persister."""
    made = Hub(nats_server, database, tmp_path)
    await apply(nats_server.url)
    made.persister.start()
    try:
        yield made
    finally:
        made.persister.end()


def spooled(hub: Hub, session: str = "spa") -> list[KeptRun]:
    """Return the runs of a session in the spool of a PC whose app has ended."""
    with opened(hub.folder / "pc", max_bytes=10**9, max_age_h=72) as kept:
        runs = kept.work(lambda spool: spool.runs)
        return [run for key, run in runs.items() if key.session == session]


async def drives_on_until_the_copies_are_gone(hub: Hub) -> None:
    """Drive another session until the trimmed spool holds nothing of the deleted one."""
    later = hub.drive(car=Car("monza"))
    await later.drives(10)
    await later.park()

    def left() -> list[KeptRun]:
        return spooled(hub)

    for _ in range(5):
        if not left():
            return
        again = hub.drive(car=Car("monza"))
        await again.drives(1000)
        await again.park()
    assert left() == []


async def test_an_app_that_drives_goes_on_in_a_new_run(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    app = hub.drive()
    await app.drives(50)
    before = await eventually(lambda: hub.database.value(SECTION), "some is stored")
    with caplog.at_level(logging.WARNING):
        await delete(hub.database, OWNER)
        query = f"{SECTION} and run > $1"
        run = await eventually(lambda: hub.database.value(query, before), "a new run is stored")
    await app.drives(50)
    await app.park()
    await finished(hub.database)
    assert await hub.stored() == [row for row in sorted(app.rows()) if row[2] == run]


async def test_an_app_that_was_away_and_has_nothing_to_send_learns_of_the_deletion(
    hub: Hub,
) -> None:
    app = hub.drive()
    await app.drives(30)
    await app.park()
    assert [run.kept for run in spooled(hub)] != []
    await delete(hub.database, OWNER)
    await finished(hub.database)
    await drives_on_until_the_copies_are_gone(hub)
    assert await hub.database.value("select count(*) from run where session = 'spa'") == 0


async def test_an_app_that_is_linked_and_has_nothing_to_send_learns_of_the_deletion(
    hub: Hub,
) -> None:
    first = hub.drive()
    await first.drives(30)
    await first.park()
    later = hub.drive(car=Car("monza"))
    await later.drives(10)
    await delete(hub.database, OWNER)

    async def gone() -> bool:
        return (await hub.database.value("select finished from deleted")) is not None

    await eventually(gone, "the deletion is finished")
    await later.drives(1500)
    await later.park()
    assert spooled(hub) == []


async def test_chunks_of_a_deleted_session_that_were_never_sent_are_deleted_unsent(
    hub: Hub,
) -> None:
    hub.nats.stop()
    app = hub.drive()
    await app.drives(30)
    await app.quit()
    [run] = spooled(hub)

    async def is_earlier() -> bool:
        return time.time() >= (run.key.run >> RANDOM_BITS) + 1

    await eventually(is_earlier, "the run began in an earlier second than the deletion")
    hub.nats.start()
    await delete(hub.database, OWNER)
    await drives_on_until_the_copies_are_gone(hub)
    rows = await hub.database.rows("select distinct session from telemetry")
    assert [row["session"] for row in rows] == ["monza"]


async def test_a_session_named_as_a_deleted_one_can_be_driven_later(hub: Hub) -> None:
    await delete(hub.database, OWNER)
    app = hub.drive()
    await app.drives(20)
    await app.park()
    assert await hub.holds_exactly(app)


async def test_the_import_of_a_deleted_session_is_refused_with_the_remedy(
    hub: Hub, data_dir: Path
) -> None:
    recording = data_dir / "iracing" / "red-bull-ring_w13_2024-build_6.5s.ibt"

    async def imported(**driver: Any) -> str:
        settings = hub.settings(**driver)
        parts = await import_files(settings, [recording], lambda *_: None)
        return parts[0].session

    session = await imported()
    await delete(hub.database, (session, "ada"))
    await finished(hub.database)
    with pytest.raises(SourceError, match="PITBOX_DRIVER__SESSION imports the file under another"):
        await imported()
    assert await imported(session="again") == "again"
