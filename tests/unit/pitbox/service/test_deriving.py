"""Facts in Postgres are those of its chunks, whatever was lost, repeated or restored."""

import functools
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from consumers.timing import tables
from consumers.timing.service import Timing
from pitbox.chunks import ranges
from pitbox.postgres.facts import scan
from pitbox.postgres.folds import Difference, Stored
from pitbox.service.derivation import minus, with_crc
from pitbox.service.deriving import Deriving
from schemas.telemetry import Chunk
from schemas.timing import Lap
from tests.tools.drives import race

TIMING = Timing()
TABLES = scan(tables)
RACE = race()
OWNER = (RACE[0].session, RACE[0].driver)
RUN = RACE[0].run
WEEK_NS = 7 * 86_400 * 10**9

READ_ALL_NS = 2**62
"""The persister has read past all that was published."""

steps = st.lists(
    st.sampled_from(("live", "live", "live", "lost", "stored", "stored", "tick", "tick", "restart"))
    | st.sampled_from(("backup", "restore", "update", "rebuild", "forged", "flipped")),
    max_size=60,
)


class Hub:
    """Stand for stream, Postgres and clock, with a derivation between them."""

    def __init__(self, recent: int) -> None:
        self.recent = recent
        self.now_s = 0.0
        self.chunks: set[int] = set()
        self.stored = Stored()
        self.backup: tuple[set[int], Stored] = set(), Stored()
        self.published: list[Any] = []
        self.sent = 0
        self.generations = 0
        self.start()

    def start(self) -> None:
        self.deriving = Deriving(
            TIMING, TABLES, OWNER, clock_s=lambda: self.now_s, recent=self.recent
        )

    def step(self, name: str) -> None:
        self.now_s += 0.5
        if name in ("live", "lost") and self.sent < len(RACE):
            if name == "live":
                self.deriving.put(RACE[self.sent])
                self.published += self.deriving.take(9)
            self.sent += 1
        elif name == "stored":
            self.chunks |= {*range(self.sent)} - {*sorted(self.chunks)[3::7]}
        elif name == "tick":
            self.tick()
        elif name == "restart":
            self.start()
        elif name == "backup":
            self.backup = {*self.chunks}, self.stored
        elif name == "restore":
            self.chunks, self.stored = {*self.backup[0]}, self.backup[1]
            self.deriving.is_sure = False
        elif name == "update":
            self.stored = replace(self.stored, version=0)
            self.start()
        elif name == "rebuild":
            self.stored = replace(self.stored, generation=0, state=None, folded={})
        elif name == "forged":
            self.stored = replace(self.stored, state=b"\x93\xff")
            self.start()
        elif name == "flipped" and self.stored.state:
            middle = len(self.stored.state) // 2
            flipped = bytearray(self.stored.state)
            flipped[middle] ^= 1
            self.stored = replace(self.stored, state=bytes(flipped))
            self.start()

    def tick(self, read_ns: int = 0) -> None:
        """Do what the service does in one round."""
        deriving = self.deriving
        have = {RUN: ranges.of(self.chunks)} if self.chunks else {}
        replaced = self.stored.generation != deriving.generation
        if replaced or not (deriving.is_read and deriving.is_sure):
            if not (deriving.is_read and self.stored.generation == deriving.generation):
                deriving.read(replace(self.stored, have=have), TIMING.version)
            deriving.is_sure = True
        differ = {}
        if have.get(RUN, ()) != self.stored.folded.get(RUN, ()):
            differ = {RUN: Difference(have.get(RUN, ()), ranges.NONE)}
        deriving.compare(differ)
        for which in deriving.behind[:2]:
            _, first, last = which
            deriving.extend(RACE[first : last + 1])
            deriving.close(which)
        if deriving.behind:
            deriving.behind = deriving.behind[2:]
            if not deriving.behind:
                self.published += deriving.settle()
            else:
                deriving.stored = {**deriving.stored, **deriving.amended()}
                self.stored = replace(self.stored, facts=deriving.stored)
        found = deriving.compare(differ)
        candidate = None if deriving.behind else deriving.candidate(found, {}, read_ns)
        if candidate is None:
            return
        if self.stored.generation != deriving.generation:
            deriving.is_read = False
            return
        assert not minus(candidate[1], have), "a fact rests on a chunk that Postgres lacks"
        self.generations += 1
        facts = TABLES.keyed(TIMING.facts(candidate[0]))
        self.stored = Stored(
            TIMING.version,
            self.generations,
            with_crc(TIMING.snapshot(candidate[0])),
            deriving.to_store(candidate),
            facts=facts,
        )
        deriving.committed(candidate, self.generations, facts)

    def settles(self, read_ns: int = READ_ALL_NS) -> None:
        """Let time pass until nothing is to do; nobody drives."""
        for _ in range(60):
            self.now_s += 5
            self.tick(read_ns)


def fresh(chunks: Sequence[Chunk]) -> dict[Any, Any]:
    state = functools.reduce(TIMING.add, chunks, TIMING.restore(OWNER, None, ()))
    return steady(TABLES.keyed(TIMING.facts(state)))


def steady(facts: Any) -> dict[Any, Any]:
    return {
        place: replace(fact, revision=0) if isinstance(fact, Lap) else fact
        for place, fact in facts.items()
    }


@given(st.sampled_from((5, 10_000)), st.sampled_from((0, READ_ALL_NS)), steps)
@settings(max_examples=300)
def test_facts_end_as_those_of_a_fresh_fold(recent: int, read_ns: int, names: list[str]) -> None:
    hub = Hub(recent)
    for name in names:
        hub.step(name)
    hub.settles(read_ns)
    assert steady(hub.stored.facts) == fresh([RACE[number] for number in sorted(hub.chunks)])
    assert hub.stored.folded.get(RUN, ()) == ranges.of(hub.chunks)


def test_chunks_that_nobody_sends_again_hold_up_no_facts_of_others() -> None:
    hub = Hub(10_000)
    for _ in RACE:
        hub.step("live")
    hub.chunks = {*range(len(RACE) // 2)}
    hub.settles(read_ns=0)
    assert steady(hub.stored.facts) == fresh(RACE[: len(RACE) // 2])


def test_a_restart_publishes_nothing_that_stands() -> None:
    hub = Hub(10_000)
    for _ in RACE:
        hub.step("live")
    hub.step("stored")
    hub.chunks = {*range(len(RACE))}
    hub.settles()
    hub.start()
    hub.published.clear()
    hub.settles()
    assert hub.published == []


def test_while_older_chunks_are_missing_only_whole_laps_are_issued() -> None:
    hub = Hub(recent=5)
    have = {RUN: ((0, 59),)}
    hub.deriving.read(Stored(have=have), TIMING.version)
    hub.deriving.is_sure = True
    hub.deriving.extend(RACE[:1])
    hub.deriving.close((RUN, 0, 0))
    hub.sent, hub.chunks = 65, {*range(60)}
    while hub.sent < len(RACE):
        hub.step("live")
    assert hub.deriving.partial
    laps = [fact for fact in hub.published if isinstance(fact, Lap) and fact.own]
    assert laps and all(lap.complete for lap in laps)
    hub.settles()
    torn = [fact for fact in hub.published if isinstance(fact, Lap) and not fact.complete]
    assert torn
