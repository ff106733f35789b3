"""Which messages a slow client keeps, and which it loses."""

from hypothesis import given
from hypothesis import strategies as st

from consumers.gateway.access.memory import Hold, Memory
from consumers.gateway.live.outbox import STEP_BYTES, Outbox


def drain(outbox: Outbox) -> list[bytes]:
    taken = []
    while (message := outbox.take()) is not None:
        taken.append(message)
    return taken


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
    outbox = Outbox(nobody, max_frames, max_bytes)
    frames = [bytes([number]) * size for number, size in enumerate(sizes)]
    for each in frames:
        outbox.put(each)
    kept = drain(outbox)
    assert kept == frames[len(frames) - len(kept) :]
    assert outbox.dropped == outbox.newly_dropped() == len(frames) - len(kept)
    assert outbox.newly_dropped() == 0
    assert len(kept) <= max_frames
    assert sum(map(len, kept)) <= max_bytes
    one_more = frames[-len(kept) - 1 :]
    assert (
        len(kept) == len(frames)
        or len(one_more) > max_frames
        or sum(map(len, one_more)) > max_bytes
    )


def test_facts_come_first_and_only_the_newest_of_each_key() -> None:
    outbox = Outbox(nobody, max_frames=1)
    outbox.put(b"frames 1")
    outbox.put_fact("lap 1", b"lap 1 rev 1")
    outbox.put_fact("lap 2", b"lap 2 rev 1")
    outbox.put_fact("lap 1", b"lap 1 rev 2")
    outbox.put(b"frames 2")
    assert drain(outbox) == [b"lap 1 rev 2", b"lap 2 rev 1", b"frames 2"]
    assert outbox.dropped == 1


def test_waiting_facts_are_bounded_and_the_oldest_are_dropped() -> None:
    outbox = Outbox(nobody, max_fact_bytes=10)
    for number in range(9):
        outbox.put_fact("replaced", b"%d" % number * 5)
    assert outbox.dropped == 0
    outbox.put_fact("lap 1", b"first")
    outbox.put_fact("lap 2", b"other")
    assert drain(outbox) == [b"first", b"other"]
    assert outbox.dropped == 1
    outbox.put_fact("lap 3", b"x" * 10)
    assert drain(outbox) == [b"x" * 10]


def test_frames_of_a_replaced_selection_do_not_count_as_dropped() -> None:
    outbox = Outbox(nobody, max_frames=3, max_bytes=100)
    outbox.put(b"x" * 90)
    outbox.clear_frames()
    outbox.put(b"y" * 90)
    assert drain(outbox) == [b"y" * 90]
    assert outbox.dropped == 0


def test_every_message_wakes_the_sender() -> None:
    woken = []
    outbox = Outbox(lambda: woken.append(True))
    outbox.put(b"frames")
    outbox.put_fact("lap 1", b"lap 1")
    assert len(woken) == len(outbox) == 2


def test_what_waits_counts_as_memory_within_a_step() -> None:
    memory = Memory()
    outbox = Outbox(nobody, hold=Hold(memory, "ada", nobody))
    for _ in range(100):
        outbox.put(bytes(10_000))
    assert 0 <= 1_000_000 - memory.taken_bytes < STEP_BYTES
    drain(outbox)
    assert memory.taken_bytes == 0


def test_frames_are_dropped_where_their_visitor_has_no_memory_left() -> None:
    memory = Memory(of_visitor=200_000)
    outbox = Outbox(nobody, hold=Hold(memory, "ada", nobody))
    for _ in range(100):
        outbox.put(bytes(10_000))
    assert memory.taken_bytes <= 200_000
    kept = len(drain(outbox))
    assert 0 < 10_000 * kept < 200_000 + STEP_BYTES
    assert outbox.dropped == 100 - kept
