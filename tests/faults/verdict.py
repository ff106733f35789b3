"""Classify committed chunks: lost, doubled, damaged, gone or alien. Pure."""

from collections.abc import Iterable

from msgspec import Struct

from pitbox.chunks import ranges
from tests.faults.ledger import Entry, Identity, Ledger

RunId = tuple[str, str, int]
Runs = dict[RunId, ranges.Ranges]


class Row(Struct, frozen=True):
    """The oracle's summary of a row; `sound` is whether its block matches its crc."""

    crc: int
    first_frame: int
    frames: int
    sound: bool


class Found(Struct, frozen=True):
    """The contents of Postgres.

    `doubled` counts rows that hold frames of another row, `misheld` runs whose `have` is not their
    rows; `shown_lacking` and `shown_gone` are the chunks of the holes that are shown; `expired` are
    the chunks that retention has removed.
    """

    rows: dict[Identity, Row]
    doubled: int = 0
    gone: Runs = {}
    expired: Runs = {}
    misheld: int = 0
    shown_lacking: int = 0
    shown_gone: int = 0
    wrong_facts: int = 0


class Verdict(Struct, frozen=True):
    """The result of a comparison.

    `duplicate` counts rows that hold frames of another row, `damaged` those whose content is not
    the ledger's, `alien` those that nobody made, `misheld` runs whose `have` is not their rows,
    `falsely_gone` chunks that are declared gone but stored, `skipped` chunks before a committed one
    that are neither stored nor declared gone, `misshown` chunks by which the reported holes differ
    from the actual ones, `wrong_facts` facts that are not those of a fresh fold of the rows.
    """

    chunks: int
    lost: int
    duplicate: int
    gone: int
    damaged: int = 0
    alien: int = 0
    misheld: int = 0
    falsely_gone: int = 0
    skipped: int = 0
    misshown: int = 0
    wrong_facts: int = 0
    first_lost: Identity | None = None

    @property
    def sound(self) -> bool:
        """Return whether nothing is wrong, gone chunks aside."""
        chunks = self.lost + self.duplicate + self.damaged + self.alien + self.skipped
        shown = self.falsely_gone + self.misshown + self.wrong_facts
        return not (chunks + self.misheld + shown)


def compare(found: Found, ledgers: Iterable[Ledger]) -> Verdict:
    """Compare the contents of Postgres with the chunks made and committed."""
    ledgers = tuple(ledgers)
    made = {entry.identity: entry for ledger in ledgers for entry in ledger.made}
    committed = {entry.identity: entry for ledger in ledgers for entry in ledger.committed}
    held = _union(_by_run(found.rows), found.expired)
    lost = lacking(lacking(wanted(committed.values()), held), found.gone)
    never = count(lacking(found.gone, held))
    return Verdict(
        chunks=len(committed),
        lost=count(lost),
        duplicate=found.doubled,
        gone=never,
        damaged=sum(not _same(row, made.get(identity)) for identity, row in found.rows.items()),
        alien=len(found.rows.keys() - made.keys()),
        misheld=found.misheld,
        falsely_gone=sum(
            ranges.contains(found.gone.get(identity[:3], ranges.NONE), identity[3])
            for identity in found.rows
        ),
        skipped=count(_skipped(wanted(committed.values()), held, found.gone)),
        misshown=abs(found.shown_lacking - _holes(held, committed, found.gone))
        + abs(found.shown_gone - never),
        wrong_facts=found.wrong_facts,
        first_lost=next(((*run, part[0][0]) for run, part in lost.items()), None),
    )


def wanted(entries: Iterable[Entry]) -> Runs:
    """Return entries as ranges of their runs."""
    return _by_run(entry.identity for entry in entries)


def lacking(wanted: Runs, have: Runs) -> Runs:
    """Return the missing ranges of each run; complete runs are left out."""
    parts = {run: ranges.minus(part, have.get(run, ranges.NONE)) for run, part in wanted.items()}
    return {run: part for run, part in parts.items() if part}


def count(runs: Runs) -> int:
    """Return how many chunks there are."""
    return sum(map(ranges.count, runs.values()))


def _by_run(identities: Iterable[Identity]) -> Runs:
    numbers: dict[RunId, list[int]] = {}
    for session, driver, run, chunk in identities:
        numbers.setdefault((session, driver, run), []).append(chunk)
    return {name: ranges.of(chunks) for name, chunks in numbers.items()}


def _union(one: Runs, other: Runs) -> Runs:
    none = ranges.NONE
    return {run: ranges.union(one.get(run, none), other.get(run, none)) for run in {*one, *other}}


def _skipped(committed: Runs, rows: Runs, gone: Runs) -> Runs:
    """Return the chunks before a committed one that nobody accounts for."""
    whole: Runs = {run: ((0, part[-1][1]),) for run, part in committed.items()}
    return lacking(lacking(lacking(whole, committed), rows), gone)


def _same(row: Row, entry: Entry | None) -> bool:
    if entry is None:
        return row.sound
    named = (row.crc, row.first_frame, row.frames)
    return row.sound and named == (entry.crc, entry.first_frame, entry.frames)


def _holes(held: Runs, committed: Iterable[Identity], gone: Runs) -> int:
    """Return how many chunks must be reported as missing.

    A kill may lose a chunk that was sent before its commit. If a later chunk is stored, a hole
    remains that nobody can fill.
    """
    known = _union(_by_run(committed), held)
    whole: Runs = {run: ((0, part[-1][1]),) for run, part in known.items()}
    return count(lacking(lacking(whole, held), gone))
