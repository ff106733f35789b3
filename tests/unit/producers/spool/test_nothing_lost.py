"""Whatever the network, the stream, Postgres and the disks do, every lost chunk is declared gone.

The real rules of the driver's PC (`producers.spool.ledger`) and of the hub
(`consumers.persister.decide`) run against a model that loses, repeats, overtakes, rolls back,
restarts, clones, rots and refuses.
"""

import copy
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from msgspec import Struct

from consumers.persister import decide
from consumers.persister.decide import Held
from pitbox.chunks import ranges
from producers.spool.ledger import Ledger, RunKey
from schemas.link import Receipt
from schemas.telemetry import Mark

BURST = 4
ROUNDS = 200
LOSSY_ROUNDS = 2


class Message(Struct, frozen=True):
    """One chunk in the stream, with its content."""

    key: RunKey
    chunk: int
    send: int
    content: str


class Kept(Struct):
    """One run on a disk, as it is found after a power cut."""

    made: int = 0
    chunks: dict[int, str] = {}
    have: ranges.Ranges = ()
    dropped: ranges.Ranges = ()


class World:
    """Count time and runs, carry messages, and hold Postgres."""

    def __init__(self) -> None:
        self.clock = 1000
        self.stream: list[Message | Mark] = []
        self.read = 0
        self.held: dict[RunKey, Held] = {}
        self.rows: dict[tuple[RunKey, int], str] = {}
        self.backup: Any = None
        self.boot = 0
        self.online = True

    def tick(self) -> int:
        self.clock += 1000
        return self.clock

    def publish(self, message: Message | Mark) -> None:
        if self.online:
            self.stream.append(message)

    def persist(self, limit: int) -> None:
        batch = self.stream[self.read : self.read + limit]
        self.read += len(batch)
        for key in dict.fromkeys(key_of(message) for message in batch):
            self._commit(key, [message for message in batch if key_of(message) == key])

    def _commit(self, key: RunKey, batch: list[Message | Mark]) -> None:
        held = self.held.get(key, Held())
        chunks = [message for message in batch if isinstance(message, Message)]
        numbers = [message.chunk for message in chunks]
        for place in decide.fresh(held, numbers):
            row = (key, numbers[place])
            assert row not in self.rows, "Postgres would refuse a second row"
            self.rows[row] = chunks[place].content
        marks = [message for message in batch if isinstance(message, Mark)]
        echo = max(message.send for message in batch)
        self.held[key] = decide.committed(held, numbers, [], marks, echo)

    def receipt(self, key: RunKey) -> Receipt:
        held = self.held.get(key, Held())
        return decide.receipt(key, held, boot=str(self.boot), hub_ns=self.clock)


class Driver:
    """One driver's PC: a spool, and an app that is restarted."""

    def __init__(self, world: World, spool: dict[RunKey, Kept]) -> None:
        self.world = world
        self.spool = spool
        self.accounts: dict[RunKey, Ledger] = {}
        self.start()

    def start(self) -> None:
        now = self.world.tick()
        self.accounts = {
            key: Ledger(
                key,
                send=now,
                made=kept.made,
                have=kept.have,
                dropped=kept.dropped,
                closed=True,
            )
            for key, kept in self.spool.items()
        }
        self.key = RunKey("spa", "ada", now)
        self.spool[self.key] = Kept(chunks={})
        self.accounts[self.key] = Ledger(self.key, send=now)

    def make(self, live: bool) -> None:
        kept, account = self.spool[self.key], self.accounts[self.key]
        chunk, kept.made = kept.made, kept.made + 1
        kept.chunks[chunk] = f"{self.key.run}/{chunk}"
        account.keep(chunk)
        if live:
            self._send(account, chunk, chunk)

    def make_unkept(self) -> None:
        """Make a chunk that the disk refuses: it can only arrive live."""
        kept, account = self.spool[self.key], self.accounts[self.key]
        chunk, kept.made = kept.made, kept.made + 1
        kept.dropped = ranges.union(kept.dropped, ((chunk, chunk),))
        account.keep(chunk)
        account.drop(((chunk, chunk),))
        send = account.sent(chunk, chunk)
        self.world.publish(Message(account.key, chunk, send, f"{self.key.run}/{chunk}"))

    def rot(self, chunk: int) -> None:
        """Lose a chunk of the live run, and notice it when the spool is opened or read."""
        kept = self.spool[self.key]
        if kept.chunks.pop(chunk, None) is not None:
            kept.dropped = ranges.union(kept.dropped, ((chunk, chunk),))
            self.accounts[self.key].keep_only(ranges.of(sorted(kept.chunks)))

    def backfill(self) -> bool:
        for account in self.accounts.values():
            burst = account.burst(BURST)
            if burst:
                self._send(account, *burst)
                return True
        return False

    def _send(self, account: Ledger, first: int, last: int) -> None:
        send = account.sent(first, last)
        for chunk in range(first, last + 1):
            content = self.spool[account.key].chunks[chunk]
            self.world.publish(Message(account.key, chunk, send + chunk - first, content))

    def mark(self) -> None:
        for account in self.accounts.values():
            if account.reconciled and not account.settled:
                self.world.publish(account.mark())

    def on_receipt(self, receipt: Receipt) -> None:
        account = self.accounts.get(RunKey(receipt.session, receipt.driver, receipt.run))
        if account:
            account.on_receipt(receipt)
            self.spool[account.key].have = account.have

    def drop(self, receipted: bool) -> None:
        """Drop the oldest chunk, as a full spool does."""
        for key, kept in self.spool.items():
            for chunk in kept.chunks:
                if ranges.contains(kept.have, chunk) == receipted:
                    del kept.chunks[chunk]
                    kept.dropped = ranges.union(kept.dropped, ((chunk, chunk),))
                    self.accounts[key].drop(((chunk, chunk),))
                    return


def key_of(message: Message | Mark) -> RunKey:
    if isinstance(message, Message):
        return message.key
    return RunKey(message.session, message.driver, message.run)


class NothingLost(RuleBasedStateMachine):
    """Break everything in any order, heal it, and compare the disks with Postgres."""

    @initialize()
    def begin(self) -> None:
        self.world = World()
        self.drivers = [Driver(self.world, {})]
        self.receipts: list[Receipt] = []
        self.old_spool: dict[RunKey, Kept] | None = None

    @rule(count=st.integers(1, 6), live=st.booleans())
    def drive(self, count: int, live: bool) -> None:
        for driver in self.drivers:
            for _ in range(count):
                driver.make(live)

    @rule()
    def refuse_a_chunk(self) -> None:
        for driver in self.drivers:
            driver.make_unkept()

    @rule(chunk=st.integers(0, 12))
    def rot_a_chunk(self, chunk: int) -> None:
        for driver in self.drivers:
            driver.rot(chunk)

    @rule()
    def backfill(self) -> None:
        for driver in self.drivers:
            driver.backfill()

    @rule()
    def mark(self) -> None:
        for driver in self.drivers:
            driver.mark()

    @rule(limit=st.integers(1, 20))
    def persist(self, limit: int) -> None:
        self.world.persist(limit)

    @rule(received=st.booleans())
    def publish_receipts(self, received: bool) -> None:
        for key in self.world.held:
            receipt = self.world.receipt(key)
            self.receipts.append(receipt)
            if received:
                self._receive(receipt)

    @precondition(lambda self: self.receipts)
    @rule(data=st.data())
    def receive_an_old_receipt(self, data: st.DataObject) -> None:
        self._receive(data.draw(st.sampled_from(self.receipts)))

    @rule(online=st.booleans())
    def cut_or_mend_the_link(self, online: bool) -> None:
        self.world.online = online

    @precondition(lambda self: self.world.stream)
    @rule(data=st.data(), what=st.sampled_from(["lose", "repeat", "overtake"]))
    def disturb_a_message(self, data: st.DataObject, what: str) -> None:
        stream = self.world.stream
        place = data.draw(st.integers(0, len(stream) - 1))
        if what == "lose":
            del stream[place]
            self.world.read -= place < self.world.read
        elif what == "repeat":
            stream.append(stream[place])
        else:
            stream.insert(min(place + 3, len(stream) - 1), stream.pop(place))

    @precondition(lambda self: self.world.stream)
    @rule(data=st.data())
    def roll_the_stream_back(self, data: st.DataObject) -> None:
        left = data.draw(st.integers(0, len(self.world.stream)))
        del self.world.stream[left:]
        self.world.read = min(self.world.read, left)

    @rule()
    def copy_postgres(self) -> None:
        self.world.backup = copy.deepcopy((self.world.held, self.world.rows))

    @precondition(lambda self: self.world.backup)
    @rule()
    def restore_postgres(self) -> None:
        self.world.held, self.world.rows = copy.deepcopy(self.world.backup)
        self.world.boot += 1

    @rule(redelivered=st.integers(0, 10))
    def restart_the_persister(self, redelivered: int) -> None:
        self.world.boot += 1
        self.world.read = max(0, self.world.read - redelivered)

    @rule()
    def restart_the_drivers(self) -> None:
        for driver in self.drivers:
            driver.start()

    @rule()
    def copy_a_spool(self) -> None:
        self.old_spool = copy.deepcopy(self.drivers[0].spool)

    @precondition(lambda self: self.old_spool)
    @rule()
    def restart_on_an_older_spool(self) -> None:
        self.drivers[0] = Driver(self.world, copy.deepcopy(self.old_spool or {}))

    @precondition(lambda self: len(self.drivers) < 3)
    @rule()
    def clone_a_pc(self) -> None:
        self.drivers.append(Driver(self.world, copy.deepcopy(self.drivers[0].spool)))

    @rule(receipted=st.booleans())
    def fill_a_disk(self, receipted: bool) -> None:
        self.drivers[-1].drop(receipted)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self._heal()
            self._compare()

    def _receive(self, receipt: Receipt) -> None:
        for driver in self.drivers:
            driver.on_receipt(receipt)

    def _heal(self) -> None:
        self.world.online = True
        for driver in self.drivers:
            driver.accounts[driver.key].close()
        for number in range(ROUNDS):
            for driver in self.drivers:
                for key in driver.accounts:
                    driver.on_receipt(self.world.receipt(key))
                while driver.backfill():
                    pass
                driver.mark()
            if number < LOSSY_ROUNDS:
                del self.world.stream[self.world.read :: 2]
            self.world.persist(10_000)
            if all(a.complete for driver in self.drivers for a in driver.accounts.values()):
                return
        raise AssertionError("accounts are not complete after all rounds")

    def _compare(self) -> None:
        for (key, chunk), content in self.world.rows.items():
            assert content == f"{key.run}/{chunk}"
        for key, held in self.world.held.items():
            stored = [chunk for of, chunk in self.world.rows if of == key]
            assert held.have == ranges.of(sorted(stored))
        for driver in self.drivers:
            for key, kept in driver.spool.items():
                held = self.world.held.get(key, Held())
                lacking = ranges.minus(((0, kept.made - 1),), held.have)
                assert not ranges.minus(lacking, held.gone), "lost, and not declared gone"
                assert not set(kept.chunks) & {n for a, b in lacking for n in range(a, b + 1)}
                assert held.closed
                assert held.made >= kept.made


NothingLost.TestCase.settings = settings(
    max_examples=settings.default.max_examples * 3 // 2, stateful_step_count=40
)
TestNothingLost = NothingLost.TestCase


def test_a_run_with_more_holes_than_a_receipt_names_becomes_complete() -> None:
    world = World()
    driver = Driver(world, {})
    for _ in range(500):
        driver.make(live=False)
    for chunk in range(0, 400, 2):
        del driver.spool[driver.key].chunks[chunk]
        driver.accounts[driver.key].drop(((chunk, chunk),))
    driver.accounts[driver.key].close()
    for number in range(ROUNDS):
        while driver.backfill():
            pass
        driver.mark()
        if number == 0:
            del world.stream[-100:]
        world.persist(10_000)
        driver.on_receipt(world.receipt(driver.key))
    assert driver.accounts[driver.key].complete
    assert len(world.rows) == 300
    assert ranges.count(world.held[driver.key].gone) == 200
