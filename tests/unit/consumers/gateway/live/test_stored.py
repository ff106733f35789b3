"""When Postgres last stored something of a driver, as the gateway folds it."""

from consumers.gateway.live.presence import Presences
from consumers.gateway.live.stored import AWAY_MS, MAX_DRIVERS, Stored
from schemas.link import Hello, Receipt


def receipt(through: int, driver: str = "ada", run: int = 1, boot: str = "b") -> Receipt:
    return Receipt(
        session="spa",
        driver=driver,
        run=run,
        through=through,
        upto=through,
        missing=(),
        echo=through,
        made=-1,
        boot=boot,
        hub_ns=0,
    )


def hello(waiting: int) -> Hello:
    return Hello(driver="ada", session="spa", run=1, at_ns=0, made=9, waiting=waiting)


def test_a_repeated_receipt_is_no_progress_in_any_run() -> None:
    stored = Stored()
    stored.receipt(receipt(1, run=1), 1000.0)
    stored.receipt(receipt(7, run=2), 2000.0)
    for now_ms in (3000.0, 4000.0):
        stored.receipt(receipt(1, run=1, boot=str(now_ms)), now_ms)
        stored.receipt(receipt(7, run=2, boot=str(now_ms)), now_ms)
    assert stored.at_ms("ada") == 2000.0
    stored.receipt(receipt(2, run=1), 5000.0)
    assert stored.at_ms("ada") == 5000.0


def test_a_pc_that_owes_nothing_or_was_away_is_owed_nothing() -> None:
    stored = Stored()
    stored.seen("ada", 1000.0, waiting=3)
    stored.seen("ada", 2000.0, waiting=3)
    assert stored.at_ms("ada") == 1000.0
    stored.seen("ada", 3000.0, waiting=0)
    assert stored.at_ms("ada") == 3000.0
    back_ms = 3000.0 + AWAY_MS + 1
    stored.seen("ada", back_ms, waiting=500)
    assert stored.at_ms("ada") == back_ms


def test_endless_drivers_are_forgotten() -> None:
    stored = Stored()
    for number in range(MAX_DRIVERS + 1):
        stored.seen(f"driver-{number}", 10_000.0)
    assert stored.at_ms("driver-0") == 0.0
    assert stored.at_ms(f"driver-{MAX_DRIVERS}") == 10_000.0


def test_a_presence_states_when_postgres_last_stored() -> None:
    presences = Presences()
    presences.update(hello(waiting=4), 1000.0)
    presences.update(receipt(3), 2000.0)
    presences.update(hello(waiting=4), 3000.0)
    presences.update(receipt(3, boot="again"), 4000.0)
    presences.update(hello(waiting=8), 5000.0)
    [known] = presences.of("spa")
    assert (known.seen_ms, known.stored_ms) == (5000.0, 2000.0)
