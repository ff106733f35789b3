"""How a driver's link is shown."""

from consumers.gateway.live.presence import MAX_DRIVERS, MAX_SESSIONS, REPEAT_MS, Presences
from schemas.link import Hello, Receipt
from schemas.telemetry import Mark, Range
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


def test_hellos_tell_the_offset_and_what_waits() -> None:
    presences = Presences()
    presences.hear(hello(made=20, waiting=3, offset_ns=2_000_000), 1000.0)
    presences.hear(hello(made=30), 3000.0)
    [known] = presences.of("spa")
    assert (known.seen_ms, known.offset_ms, known.made, known.waiting) == (3000.0, 2.0, 30, 0)
    assert presences.offset_ms("spa", "ada") == 2.0
    assert presences.of("monza") == []


def test_who_names_sessions_without_end_makes_nobody_else_forgotten() -> None:
    presences = Presences()
    presences.hear(hello(), 0.0)
    for number in range(MAX_DRIVERS):
        presences.hear(Hello(driver="eve", session=f"s{number}", run=1, at_ns=0), 1.0)
    assert len(presences.of("spa")) == 1
    assert [number for number in range(MAX_DRIVERS) if presences.of(f"s{number}")] == list(
        range(MAX_DRIVERS - MAX_SESSIONS, MAX_DRIVERS)
    )


def test_a_run_that_was_closed_is_told_at_once_and_a_new_one_is_open() -> None:
    presences = Presences()
    presences.hear(hello(), 0.0)
    presences.news(0.0)
    presences.hear(mark(closed=True), 1.0)
    assert [known.closed for known in presences.news(1.0)] == [True]
    presences.hear(hello(run=2), 2.0)
    assert [known.closed for known in presences.news(2.0)] == [False]


def test_holes_are_what_is_missing_but_not_gone() -> None:
    presences = Presences()
    presences.hear(hello(), 0.0)
    presences.hear(receipt(missing=((10, 19), (30, 31))), 0.0)
    presences.hear(mark(gone=((15, 19),)), 0.0)
    [known] = presences.of("spa")
    assert (known.missing, known.gone) == (((10, 14), (30, 31)), ((15, 19),))
    presences.hear(receipt(missing=((15, 19),)), 0.0)
    [known] = presences.of("spa")
    assert (known.missing, known.gone, known.made) == ((), ((15, 19),), 60)


def test_a_new_run_begins_afresh_and_the_old_one_is_past() -> None:
    presences = Presences()
    presences.hear(hello(run=1, offset_ns=1_000_000), 0.0)
    presences.hear(receipt(missing=((10, 19),)), 0.0)
    presences.hear(hello(run=2), 5.0)
    presences.hear(receipt(missing=((10, 12),)), 6.0)
    presences.hear(hello(run=1), 7.0)
    [known] = presences.of("spa")
    assert (known.run, known.missing, known.seen_ms, known.offset_ms) == (2, (), 5.0, 1.0)


def test_how_a_run_was_closed_is_recalled_and_a_newer_one_stays() -> None:
    presences = Presences()
    ended = Presence(session="spa", driver="ada", run=2, seen_ms=1.0, made=60, closed=True)
    presences.recall(ended)
    assert presences.news(5.0) == presences.of("spa") == [ended]
    presences.recall(ended)
    assert presences.news(5.0 + REPEAT_MS) == []
    presences.hear(hello(run=3), 9000.0)
    presences.recall(ended)
    assert [(known.run, known.closed) for known in presences.of("spa")] == [(3, False)]


def test_a_run_that_is_still_sent_after_it_was_closed_is_closed() -> None:
    presences = Presences()
    presences.hear(hello(run=2, made=70), 9000.0)
    presences.recall(Presence(session="spa", driver="ada", run=2, seen_ms=1.0, closed=True))
    [known] = presences.of("spa")
    assert (known.closed, known.made, known.seen_ms) == (True, 70, 9000.0)


def test_whoever_is_heard_is_kept_before_those_of_old_sessions() -> None:
    presences = Presences()
    presences.hear(hello(), 0.0)
    for number in range(2 * MAX_DRIVERS):
        presences.recall(Presence(session=f"old{number}", driver="ada", run=1, seen_ms=0.0))
        presences.hear(hello(), float(number))
    assert len(presences.of("spa")) == 1


def test_who_was_never_heard_is_not_present() -> None:
    presences = Presences()
    presences.hear(receipt(missing=()), 0.0)
    assert presences.of("spa") == []


def test_changes_are_news_at_once_and_the_rest_every_two_seconds() -> None:
    presences = Presences()
    presences.hear(hello(), 0.0)
    assert len(presences.news(0.0)) == 1
    presences.hear(hello(made=5), 100.0)
    assert presences.news(100.0) == []
    presences.hear(receipt(missing=((3, 4),)), 200.0)
    assert [known.missing for known in presences.news(200.0)] == [((3, 4),)]
    presences.hear(hello(made=6), 300.0)
    assert presences.news(200.0 + REPEAT_MS - 1) == []
    assert [known.made for known in presences.news(200.0 + REPEAT_MS)] == [6]
    assert presences.news(200.0 + 2 * REPEAT_MS) == [], "nothing was heard since"
