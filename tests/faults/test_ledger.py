"""After a kill at any point, ledger and spool together account for every chunk."""

import asyncio
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from msgspec import Struct
from msgspec.structs import replace

from producers.spool.depot import Depot
from producers.spool.disk import Spool
from producers.spool.keeper import Keeper
from producers.spool.ledger import RunKey
from tests.faults.ledger import Entry, Identity, Ledger, mend_ledger, read_ledger, spooled
from tests.faults.verdict import Found, Row, Verdict, compare
from tests.tools.drives import Drive

CHUNKS: Final = [replace(chunk, session="s") for chunk in Drive().go(90).chunks()]
BATCH: Final = 2
ROWS: Final = {
    (c.session, c.driver, c.run, c.chunk): Row(c.crc, c.first_frame, c.frames, sound=True)
    for c in CHUNKS
}


class Remains(Struct, frozen=True):
    """The state after a kill: the ledger, the chunks in the spool, and those sent."""

    ledger: Ledger
    spooled: set[Identity]
    sent: frozenset[Identity]


class Scene:
    """Store and send chunks as the driver app does; record at every point the state after a kill.

    The next process sends the chunks that the spool has by then.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "spool"
        self.folder.mkdir()
        self.ledger = folder / "ledger"
        self.disk = threading.Event()
        self.remains: list[Remains] = []
        self._sent: set[Identity] = set()

    def note(self) -> None:
        """Record the state after a kill at this point.

        The other thread may continue meanwhile, so causes are read after their effects.
        """
        sent, kept = frozenset(self._sent), read_ledger(self.ledger).kept
        committed = spooled(self.folder, ROWS)
        ledger = Ledger(read_ledger(self.ledger).made, kept)
        self.remains.append(Remains(ledger, committed, sent))

    async def play(self) -> None:
        """Process all chunks; the disk is slow until `disk` is set."""
        kind = partial(NotedSpool, self)
        keeper = Keeper(self.folder, max_bytes=10**9, max_age_h=1, kind=kind)
        with self.ledger.open("a") as file:
            depot = Depot(keeper, file)
            await depot.open()
            for first in range(0, len(CHUNKS), BATCH):
                chunks = CHUNKS[first : first + BATCH]
                await depot.keep(chunks)
                for chunk in chunks:
                    self._sent.add((chunk.session, chunk.driver, chunk.run, chunk.chunk))
                    self.note()
            self.disk.set()
            await depot.leave()
        self.note()


class NotedSpool(Spool):
    """A spool on a slow disk that records the state after a kill around its commit."""

    def __init__(self, scene: Scene, file: Path, **limits: float) -> None:
        super().__init__(file, **limits, reserve_bytes=0)
        self._scene = scene

    def append(
        self, key: RunKey, first: int, encoded: Sequence[bytes], now_s: float, *, sync: bool = True
    ) -> None:
        """Append as any spool does."""
        self._scene.disk.wait()
        self._scene.note()
        super().append(key, first, encoded, now_s, sync=sync)
        self._scene.note()


@pytest.fixture(params=["quick disk", "slow disk"])
def remains(request: pytest.FixtureRequest, tmp_path: Path) -> list[Remains]:
    """Return the state after a kill at each point of a drive."""
    scene = Scene(tmp_path)
    if request.param == "quick disk":
        scene.disk.set()
    asyncio.run(scene.play())
    return scene.remains


def judged(left: Remains, rows: set[Identity] | frozenset[Identity]) -> Verdict:
    """Judge these rows after a kill, as the harness does."""
    ledger = Ledger(left.ledger.made, left.ledger.kept | (left.spooled & left.ledger.undecided))
    return compare(Found({identity: ROWS[identity] for identity in sorted(rows)}), [ledger])


def test_a_kill_at_any_point_leaves_no_alien_and_loses_nothing(remains: list[Remains]) -> None:
    assert len(remains) > len(CHUNKS)
    for left in remains:
        verdict = judged(left, left.spooled | left.sent)
        assert verdict.sound, verdict
        assert verdict.chunks == len(left.spooled)


def test_a_committed_chunk_missing_after_a_restart_is_lost_wherever_the_kill_came(
    remains: list[Remains],
) -> None:
    committed = [left for left in remains if left.spooled]
    assert committed
    for left in committed:
        assert judged(left, left.spooled - {max(left.spooled)}).lost == 1


def test_a_chunk_stored_before_it_was_made_is_alien_wherever_the_kill_came(
    remains: list[Remains],
) -> None:
    early = [left for left in remains if len(left.ledger.made) < len(CHUNKS)]
    assert early
    for left in early:
        not_yet = [identity for identity in ROWS if identity not in _made(left)]
        assert judged(left, {*left.spooled, not_yet[0]}).alien == 1


def _made(left: Remains) -> set[Identity]:
    return {entry.identity for entry in left.ledger.made}


def test_a_line_torn_by_a_kill_is_ignored_and_damages_no_later_line(
    tmp_path: Path,
) -> None:
    ledger = tmp_path / "ledger"
    lines = ["made s ada 1 0 77 0 3\n", "kept s ada 1 0\n", "made s ada 2 0 78 0 31\n"]
    whole = "".join(lines[:2])
    for cut in range(len(lines[2])):
        ledger.write_text(whole + lines[2][:cut])
        assert len(read_ledger(ledger).made) == 1
        mend_ledger(ledger)
        with ledger.open("a") as file:
            file.write(lines[2])
        assert read_ledger(ledger) == Ledger(
            (Entry("s", "ada", 1, 0, 77, 0, 3), Entry("s", "ada", 2, 0, 78, 0, 31)),
            frozenset({("s", "ada", 1, 0)}),
        )


def test_a_hole_left_by_a_kill_below_a_stored_row_must_be_reported() -> None:
    """A chunk that is sent before its commit and lost by the kill never comes."""
    ledger = Ledger(
        tuple(Entry("s", "ada", 1, chunk, 7, chunk, 1) for chunk in range(4)),
        frozenset({("s", "ada", 1, 0)}),
    )
    rows = {("s", "ada", 1, chunk): Row(7, chunk, 1, sound=True) for chunk in (0, 3)}
    assert compare(Found(rows, shown_lacking=2), [ledger]).sound
    assert compare(Found(rows), [ledger]).misshown == 2
