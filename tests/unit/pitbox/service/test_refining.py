"""The fold of facts of one driver: what it steps over, and what a commit writes."""

from msgspec.structs import replace

from pitbox.postgres.facts import Place
from pitbox.postgres.refined import Stored
from pitbox.service.refining import Change, Refining
from schemas.timing import Lap
from tests.tools.totals import Totals, lap, tables

LAPS = [lap(number, 20.0 + number) for number in (1, 2, 3)]


class Kept:
    """A driver's facts as a database would hold them."""

    def __init__(self) -> None:
        self.facts: dict[Place, Lap] = {}
        self.stored = Stored()

    def opened(self, version: int = 1) -> Refining:
        """Return a fold that has read what is stored."""
        refining = Refining(Totals(version), tables(), ("test", "ada"))
        refining.read(self.stored)
        return refining

    def commit(self, refining: Refining, version: int = 1) -> Change:
        """Store facts and fold."""
        change = refining.change(self.facts if refining.gone else {})
        generation = self.stored.generation + 1
        snapshot = refining.snapshot()
        refining.committed(generation, change)
        self.facts |= change.changed
        for place in change.removed:
            del self.facts[place]
        self.stored = Stored(version, generation, snapshot, refining.unpublished, dict(self.facts))
        return change

    def derive(self, refining: Refining, laps: list[Lap], version: int = 1) -> list[Lap]:
        """Step over what differs, commit, and return the facts that changed."""
        for item in refining.compare(laps):
            refining.step(item, None)
        return [*self.commit(refining, version).changed.values()]

    def totals(self) -> dict[int, tuple[float | None, int]]:
        """Return total and revision by lap."""
        return {one.lap_number: (one.lap_time_s, one.revision) for one in self.facts.values()}


def test_facts_that_follow_are_stepped_over_alone() -> None:
    kept = Kept()
    refining = kept.opened()
    kept.derive(refining, LAPS[:2])
    assert refining.compare(LAPS) == LAPS[2:]
    assert [one.lap_number for one in kept.derive(refining, LAPS)] == [3]
    assert kept.totals() == {1: (21.0, 1), 2: (43.0, 1), 3: (66.0, 1)}


def test_a_fact_that_changed_is_folded_again_from_the_first() -> None:
    kept = Kept()
    refining = kept.opened()
    kept.derive(refining, LAPS)
    faster = [LAPS[0], replace(LAPS[1], lap_time_s=21.5), LAPS[2]]
    assert refining.compare(faster) == faster
    assert [one.lap_number for one in kept.derive(refining, faster)] == [2, 3]
    assert kept.totals() == {1: (21.0, 1), 2: (42.5, 2), 3: (65.5, 2)}


def test_a_fold_goes_on_from_its_snapshot() -> None:
    kept = Kept()
    kept.derive(kept.opened(), LAPS[:2])
    refining = kept.opened()
    assert not refining.is_dirty
    assert refining.compare(LAPS) == LAPS[2:]
    kept.derive(refining, LAPS)
    assert kept.totals()[3] == (66.0, 1)


def test_a_fold_that_was_left_in_the_middle_goes_on_there() -> None:
    refining = Kept().opened()
    for item in refining.compare(LAPS)[:2]:
        refining.step(item, None)
    assert refining.compare(LAPS) == LAPS[2:]


def test_a_fact_that_is_gone_is_stated_as_withdrawn_once() -> None:
    kept = Kept()
    refining = kept.opened()
    kept.derive(refining, LAPS)
    assert [(one.lap_number, one.lap_time_s) for one in kept.derive(refining, LAPS[:2])] == [
        (3, None)
    ]
    assert kept.totals()[3] == (None, 2)
    refining = kept.opened(version=2)
    assert kept.derive(refining, LAPS[:2], version=2) == []
    kept.derive(refining, LAPS, version=2)
    assert kept.totals()[3] == (66.0, 3)


def test_a_fact_that_is_gone_without_a_word_is_deleted() -> None:
    class Silent(Totals):
        def withdrawn(self, fact: Lap) -> None:  # type: ignore[override]
            """Return nothing."""

    kept = Kept()
    kept.derive(kept.opened(), LAPS)
    refining = Refining(Silent(), tables(), ("test", "ada"))
    refining.read(kept.stored)
    assert kept.derive(refining, LAPS[:1]) == []
    assert kept.totals() == {1: (21.0, 1)}


def test_another_version_derives_all_anew_and_states_what_differs() -> None:
    kept = Kept()
    kept.derive(kept.opened(), LAPS)
    refining = kept.opened(version=2)
    assert refining.is_dirty
    assert refining.compare(LAPS) == LAPS
    assert kept.derive(refining, LAPS, version=2) == []


def test_a_damaged_snapshot_is_not_used() -> None:
    kept = Kept()
    kept.derive(kept.opened(), LAPS)
    state = kept.stored.state or b""
    kept.stored = replace(kept.stored, state=state[:-1] + bytes([state[-1] ^ 1]))
    assert kept.opened().compare(LAPS) == LAPS


def test_facts_that_were_committed_unpublished_are_published_by_the_next_process() -> None:
    kept = Kept()
    kept.derive(kept.opened(), LAPS[:2])
    refining = Refining(Totals(), tables(), ("test", "ada"))
    assert [one.lap_number for one in refining.read(kept.stored)] == [1, 2]
    kept.derive(refining, LAPS)
    assert [place[-1] for place in refining.unpublished] == [1, 2, 3]


def test_a_fold_of_nothing_is_committed_too() -> None:
    kept = Kept()
    refining = kept.opened()
    assert refining.is_dirty
    assert kept.derive(refining, []) == []
    assert not kept.opened().is_dirty
