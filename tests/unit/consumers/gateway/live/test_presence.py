"""The link state folded from a driver's events."""

from consumers.gateway.live.presence import MAX_DRIVERS, MAX_SESSIONS, REPEAT_MS, Presences
from schemas.link import Hello, Receipt
from schemas.telemetry import Chunk, Mark, Range
from schemas.wall import Presence


def hello(run: int = 1, **changes: int) -> Hello:
    return Hello(driver="ada", session="spa", run=run, at_ns=0, **changes)


def receipt(missing: tuple[Range, ...], run: int = 1, through: int = 9) -> Receipt:
    return Receipt(
        session="spa",
        driver="ada",
        run=run,
        through=through,
        upto=50,
        missing=missing,
        echo=0,
        made=-1,
        boot="b",
        hub_ns=0,
    )


def mark(gone: tuple[Range, ...] = (), run: int = 1, closed: bool = False) -> Mark:
    return Mark(
        version=1, driver="ada", session="spa", run=run, send=1, made=60, closed=closed, gone=gone
    )


def chunk(number: int, run: int = 1, session: str = "spa") -> Chunk:
    return Chunk(
        version=2,
        driver="ada",
        session=session,
        run=run,
        chunk=number,
        send=1,
        first_frame=0,
        frames=0,
        captured_ns=0,
        channels=b"",
        crc=0,
        block=b"",
    )


def test_chunks_in_any_order_state_how_many_a_run_has_made_and_when_it_was_seen() -> None:
    presences = Presences()
    presences.update(hello(made=3), 0.0)
    for number, at_ms in ((7, 1.0), (9, 2.0), (8, 3.0)):
        presences.update(chunk(number), at_ms)
    [known] = presences.due(4.0)
    assert (known.made, known.seen_ms) == (10, 3.0)
    presences.update(chunk(4), 5.0)
    assert [(known.made, known.seen_ms) for known in presences.of("spa")] == [(10, 5.0)]


def test_a_chunk_is_applied_before_a_later_event_of_its_driver() -> None:
    presences = Presences()
    presences.update(chunk(5), 1.0)
    presences.update(receipt(missing=((2, 3),)), 2.0)
    [known] = presences.of("spa")
    assert (known.made, known.through, known.missing) == (6, 9, ((2, 3),))
    presences.update(chunk(0, run=2), 3.0)
    presences.forget("spa", "ada", through=2)
    assert presences.of("spa") == []


def test_a_driver_with_chunks_of_endless_sessions_is_remembered_by_the_newest() -> None:
    presences = Presences()
    for number in range(3 * MAX_SESSIONS):
        presences.update(chunk(0, session=f"s{number}"), float(number))
    known = [number for number in range(3 * MAX_SESSIONS) if presences.of(f"s{number}")]
    assert known == [*range(2 * MAX_SESSIONS, 3 * MAX_SESSIONS)]


def test_a_hello_sets_the_clock_offset_and_the_waiting_chunks() -> None:
    presences = Presences()
    presences.update(hello(made=20, waiting=3, offset_ns=2_000_000), 1000.0)
    presences.update(hello(made=30), 3000.0)
    [known] = presences.of("spa")
    assert (known.seen_ms, known.offset_ms, known.made, known.waiting) == (3000.0, 2.0, 30, 0)
    assert presences.offset_ms("spa", "ada") == 2.0
    assert presences.of("monza") == []


def test_a_driver_with_endless_sessions_evicts_no_other_driver() -> None:
    presences = Presences()
    presences.update(hello(), 0.0)
    for number in range(MAX_DRIVERS):
        presences.update(Hello(driver="eve", session=f"s{number}", run=1, at_ns=0), 1.0)
    assert len(presences.of("spa")) == 1
    assert [number for number in range(MAX_DRIVERS) if presences.of(f"s{number}")] == list(
        range(MAX_DRIVERS - MAX_SESSIONS, MAX_DRIVERS)
    )


def test_a_closed_run_is_due_at_once_and_a_new_run_is_open() -> None:
    presences = Presences()
    presences.update(hello(), 0.0)
    presences.due(0.0)
    presences.update(mark(closed=True), 1.0)
    assert [known.closed for known in presences.due(1.0)] == [True]
    presences.update(hello(run=2), 2.0)
    assert [known.closed for known in presences.due(2.0)] == [False]


def test_lost_chunks_are_not_missing() -> None:
    presences = Presences()
    presences.update(hello(), 0.0)
    presences.update(receipt(missing=((10, 19), (30, 31))), 0.0)
    presences.update(mark(gone=((15, 19),)), 0.0)
    [known] = presences.of("spa")
    assert (known.missing, known.gone) == (((10, 14), (30, 31)), ((15, 19),))
    presences.update(receipt(missing=((15, 19),)), 0.0)
    [known] = presences.of("spa")
    assert (known.missing, known.gone, known.made) == ((), ((15, 19),), 60)


def test_a_new_run_resets_the_presence_and_older_runs_are_ignored() -> None:
    presences = Presences()
    presences.update(hello(run=1, offset_ns=1_000_000), 0.0)
    presences.update(receipt(missing=((10, 19),)), 0.0)
    presences.update(hello(run=2), 5.0)
    presences.update(receipt(missing=((10, 12),)), 6.0)
    presences.update(hello(run=1), 7.0)
    [known] = presences.of("spa")
    assert (known.run, known.missing, known.seen_ms, known.offset_ms) == (2, (), 5.0, 1.0)


def test_a_closed_run_is_restored_unless_a_newer_one_is_known() -> None:
    presences = Presences()
    ended = Presence(session="spa", driver="ada", run=2, seen_ms=1.0, made=60, closed=True)
    presences.restore(ended)
    assert presences.due(5.0) == presences.of("spa") == [ended]
    presences.restore(ended)
    assert presences.due(5.0 + REPEAT_MS) == []
    presences.update(hello(run=3), 9000.0)
    presences.restore(ended)
    assert [(known.run, known.closed) for known in presences.of("spa")] == [(3, False)]


def test_restoring_the_known_run_only_closes_it() -> None:
    presences = Presences()
    presences.update(hello(run=2, made=70), 9000.0)
    presences.restore(Presence(session="spa", driver="ada", run=2, seen_ms=1.0, closed=True))
    [known] = presences.of("spa")
    assert (known.closed, known.made, known.seen_ms) == (True, 70, 9000.0)


def test_an_active_driver_is_kept_before_drivers_of_old_sessions() -> None:
    presences = Presences()
    presences.update(hello(), 0.0)
    for number in range(2 * MAX_DRIVERS):
        presences.restore(Presence(session=f"old{number}", driver="ada", run=1, seen_ms=0.0))
        presences.update(hello(), float(number))
    assert len(presences.of("spa")) == 1


def test_a_receipt_alone_makes_no_presence() -> None:
    presences = Presences()
    presences.update(receipt(missing=()), 0.0)
    assert presences.of("spa") == []


def test_state_changes_are_due_at_once_and_others_every_two_seconds() -> None:
    presences = Presences()
    presences.update(hello(), 0.0)
    assert len(presences.due(0.0)) == 1
    presences.update(hello(made=5), 100.0)
    assert presences.due(100.0) == []
    presences.update(receipt(missing=((3, 4),)), 200.0)
    assert [known.missing for known in presences.due(200.0)] == [((3, 4),)]
    presences.update(hello(made=6), 300.0)
    assert presences.due(200.0 + REPEAT_MS - 1) == []
    assert [known.made for known in presences.due(200.0 + REPEAT_MS)] == [6]
    assert presences.due(200.0 + 2 * REPEAT_MS) == [], "nothing has changed since"


def test_the_presence_of_a_deleted_run_is_dropped_and_that_of_a_later_one_stays() -> None:
    presences = Presences()
    presences.update(hello(run=5), 0.0)
    presences.forget("spa", "ada", through=4)
    assert len(presences.of("spa")) == 1
    presences.forget("spa", "ada", through=5)
    presences.forget("spa", "nobody", through=5)
    assert presences.of("spa") == []
