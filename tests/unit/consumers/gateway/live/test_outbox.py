"""Which messages a slow client keeps, and which it loses."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from consumers.gateway.access.memory import Hold, Memory
from consumers.gateway.live.outbox import STEP_BYTES, Outbox
from schemas.wall import Dropped


class Client:
    """Take a number of messages, and remember each write."""

    def __init__(self, room: int = 0) -> None:
        self.room = room
        self.writes: list[tuple[bytes, ...]] = []

    @property
    def taken(self) -> list[bytes]:
        """Return all messages that were taken."""
        return [message for write in self.writes for message in write]

    def has_room(self) -> bool:
        """Return whether a message is taken."""
        return self.room > 0

    def write(self, *messages: bytes) -> None:
        """Take messages."""
        self.room -= len(messages)
        self.writes.append(messages)

    def drain(self, outbox: Outbox) -> list[bytes]:
        """Take all that waits; return it without the number of dropped messages."""
        self.room, before = 1_000_000, len(self.taken)
        outbox.flush()
        self.room = 0
        return [message for message in self.taken[before:] if message not in DROPPED]


DROPPED = [msgspec.msgpack.encode(Dropped(count=count)) for count in range(1000)]


def nobody() -> None:
    """Do nothing."""


@given(
    sizes=st.lists(st.integers(1, 50), max_size=60),
    max_frames=st.integers(1, 20),
    max_bytes=st.integers(50, 400),
)
def test_the_newest_frames_stay_in_order_and_dropped_ones_are_counted(
    sizes: list[int], max_frames: int, max_bytes: int
) -> None:
    client = Client()
    outbox = Outbox(client, max_frames, max_bytes)
    frames = [bytes([number]) * size for number, size in enumerate(sizes)]
    for each in frames:
        outbox.put(each)
    kept = client.drain(outbox)
    assert kept == frames[len(frames) - len(kept) :]
    dropped = len(frames) - len(kept)
    assert outbox.newly() == (len(kept) + bool(dropped), dropped)
    assert outbox.newly() == (0, 0)
    assert len(kept) <= max_frames
    assert sum(map(len, kept)) <= max_bytes
    one_more = frames[-len(kept) - 1 :]
    assert (
        len(kept) == len(frames)
        or len(one_more) > max_frames
        or sum(map(len, one_more)) > max_bytes
    )


def test_facts_come_first_and_only_the_newest_of_each_key() -> None:
    client = Client()
    outbox = Outbox(client, max_frames=1)
    outbox.put(b"frames 1")
    outbox.put_fact("lap 1", b"lap 1 rev 1")
    outbox.put_fact("lap 2", b"lap 2 rev 1")
    outbox.put_fact("lap 1", b"lap 1 rev 2")
    outbox.put(b"frames 2")
    assert client.drain(outbox) == [b"lap 1 rev 2", b"lap 2 rev 1", b"frames 2"]
    assert outbox.dropped == 1


def test_waiting_facts_are_bounded_and_the_oldest_are_dropped() -> None:
    client = Client()
    outbox = Outbox(client, max_fact_bytes=10)
    for number in range(9):
        outbox.put_fact("replaced", b"%d" % number * 5)
    assert outbox.dropped == 0
    outbox.put_fact("lap 1", b"first")
    outbox.put_fact("lap 2", b"other")
    assert client.drain(outbox) == [b"first", b"other"]
    assert outbox.dropped == 1
    outbox.put_fact("lap 3", b"x" * 10)
    assert client.drain(outbox) == [b"x" * 10]


def test_frames_of_a_replaced_selection_do_not_count_as_dropped() -> None:
    client = Client()
    outbox = Outbox(client, max_frames=3, max_bytes=100)
    outbox.put(b"x" * 90)
    outbox.clear_frames()
    outbox.put(b"y" * 90)
    assert client.drain(outbox) == [b"y" * 90]
    assert outbox.dropped == 0


def test_a_client_that_reads_is_passed_each_message_at_once() -> None:
    client, memory = Client(room=9), Memory()
    outbox = Outbox(client, hold=Hold(memory, "ada", nobody))
    outbox.put(b"frames" * STEP_BYTES)
    outbox.put_fact("lap 1", b"lap 1")
    assert client.taken == [b"frames" * STEP_BYTES, b"lap 1"]
    assert (len(outbox), memory.taken_bytes, outbox.newly()) == (0, 0, (2, 0))


def test_no_frames_overtake_those_that_wait() -> None:
    client = Client()
    outbox = Outbox(client)
    outbox.put(b"frames 1")
    client.room = 9
    outbox.put(b"frames 2")
    assert client.taken == [b"frames 1", b"frames 2"]


def test_the_rest_waits_when_a_client_stops_to_read() -> None:
    client = Client()
    outbox = Outbox(client)
    large = [b"%d" % number * STEP_BYTES for number in range(4)]
    for frames in large:
        outbox.put(frames)
    client.room = 2
    outbox.flush()
    assert (client.taken, len(outbox)) == (large[:2], 2)
    assert client.drain(outbox) == large[2:]


def test_messages_that_were_added_are_one_write() -> None:
    client = Client(room=9)
    outbox = Outbox(client)
    outbox.add(b"1")
    outbox.add(b"2")
    assert client.writes == []
    outbox.flush()
    assert client.writes == [(b"1", b"2")]


@given(sizes=st.lists(st.integers(1, STEP_BYTES), max_size=9))
def test_a_write_is_bounded(sizes: list[int]) -> None:
    client = Client()
    outbox = Outbox(client)
    for size in sizes:
        outbox.put(bytes(size))
    client.room = 9
    outbox.flush()
    assert [len(message) for message in client.taken] == sizes
    assert all(sum(map(len, write[:-1])) < STEP_BYTES for write in client.writes)


def test_a_client_learns_how_many_messages_it_lost_before_it_receives_the_next() -> None:
    client = Client()
    outbox = Outbox(client, max_frames=1)
    for number in range(3):
        outbox.put(b"%d" % number)
    outbox.clear_frames()
    client.room = 9
    outbox.put(b"3")
    assert client.taken == [DROPPED[2], b"3"]


def test_a_cleared_outbox_passes_nothing_on_and_takes_no_memory() -> None:
    client, memory = Client(), Memory()
    outbox = Outbox(client, hold=Hold(memory, "ada", nobody))
    outbox.put(bytes(STEP_BYTES))
    outbox.put_fact("lap 1", b"lap 1")
    outbox.clear()
    client.room = 9
    outbox.flush()
    assert (client.taken, len(outbox), memory.taken_bytes) == ([], 0, 0)


def test_what_waits_counts_as_memory_within_a_step() -> None:
    memory = Memory()
    client = Client()
    outbox = Outbox(client, hold=Hold(memory, "ada", nobody))
    for _ in range(100):
        outbox.put(bytes(10_000))
    assert 0 <= 1_000_000 - memory.taken_bytes < STEP_BYTES
    client.drain(outbox)
    assert memory.taken_bytes == 0


def test_frames_are_dropped_where_their_visitor_has_no_memory_left() -> None:
    memory = Memory(of_visitor=200_000)
    client = Client()
    outbox = Outbox(client, hold=Hold(memory, "ada", nobody))
    for _ in range(100):
        outbox.put(bytes(10_000))
    assert memory.taken_bytes <= 200_000
    kept = len(client.drain(outbox))
    assert 0 < 10_000 * kept < 200_000 + STEP_BYTES
    assert outbox.dropped == 100 - kept
