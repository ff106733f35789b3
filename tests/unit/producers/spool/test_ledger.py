"""The account of a run: receipts decide which chunks are to be sent."""

from pitbox.chunks.ranges import Ranges
from producers.spool.ledger import MAX_MISSING, Ledger, RunKey
from schemas.link import Receipt

KEY = RunKey("spa", "ada", 7)


def ledger(made: int = 0, **known: object) -> Ledger:
    """Open the account of a new run, or with `closed` of a run of an earlier start of the app."""
    return Ledger(KEY, send=100, made=made, **known)  # type: ignore[arg-type]


def receipt(
    upto: int = -1,
    *,
    missing: Ranges = (),
    echo: int = -1,
    made: int = -1,
    boot: str = "a",
    gone: Ranges = (),
) -> Receipt:
    """Return a receipt of the tests' run."""
    through = missing[0][0] - 1 if missing else upto
    return Receipt(
        session="spa",
        driver="ada",
        run=7,
        through=through,
        upto=upto,
        missing=missing,
        echo=echo,
        gone=gone,
        made=made,
        boot=boot,
        hub_ns=0,
    )


def test_chunks_made_and_not_sent_are_to_be_sent() -> None:
    account = ledger()
    for chunk in range(3):
        account.keep(chunk)
    assert account.todo == ((0, 2),)
    assert account.burst(2) == (0, 1)


def test_a_chunk_in_flight_is_not_sent_again_however_long_it_takes() -> None:
    account = ledger(made=3)
    account.sent(0, 2)
    assert account.todo == ()
    assert account.waiting == 3


def test_send_numbers_grow_and_are_never_used_twice() -> None:
    account = ledger(made=5)
    assert account.sent(0, 2) == 101
    assert account.mark().send == 104
    assert account.sent(3, 3) == 105


def test_a_receipt_takes_stored_chunks_out_of_flight() -> None:
    account = ledger(made=3)
    account.sent(0, 2)
    account.on_receipt(receipt(upto=1, echo=102))
    assert account.have == ((0, 1),)
    assert account.todo == ()
    assert account.waiting == 1


def test_an_overtaken_chunk_counts_as_lost_and_is_sent_again() -> None:
    account = ledger(made=4)
    account.sent(0, 3)
    account.on_receipt(receipt(upto=3, missing=((1, 2),), echo=104))
    assert account.todo == ((1, 2),)


def test_a_chunk_sent_after_the_echo_is_still_in_flight() -> None:
    account = ledger(made=4)
    account.sent(0, 3)
    account.on_receipt(receipt(upto=0, echo=102))
    assert account.todo == ((1, 1),)
    account.sent(1, 1)
    account.on_receipt(receipt(upto=3, missing=((1, 1),), echo=104))
    assert account.todo == ()


def test_a_mark_finds_the_loss_of_the_last_chunk() -> None:
    account = ledger(made=1)
    account.sent(0, 0)
    mark = account.mark()
    account.on_receipt(receipt(echo=mark.send, made=1))
    assert account.todo == ((0, 0),)


def test_a_receipt_that_states_less_than_the_last_one_counts() -> None:
    account = ledger(made=10)
    account.sent(0, 9)
    account.on_receipt(receipt(upto=9, echo=110))
    account.on_receipt(receipt(upto=3, echo=104, boot="b"))
    assert account.todo == ((4, 9),)


def test_without_receipts_nothing_is_sent_again() -> None:
    account = ledger(made=5)
    account.sent(0, 4)
    for chunk in range(5, 9):
        account.keep(chunk)
        account.sent(chunk, chunk)
    assert account.todo == ()


def test_a_run_of_an_earlier_start_waits_for_its_first_receipt() -> None:
    account = ledger(made=5, closed=True)
    assert account.todo == ()
    assert account.waiting == 5
    account.on_receipt(receipt(upto=2, echo=40, made=5))
    assert account.todo == ((3, 4),)


def test_send_numbers_rise_above_those_of_another_start() -> None:
    account = ledger(made=5, closed=True)
    account.on_receipt(receipt(upto=2, echo=900))
    assert account.sent(3, 3) == 901


def test_above_a_cut_receipt_nothing_counts_as_lost() -> None:
    chunks = 4 * MAX_MISSING
    account = ledger(made=chunks)
    first = account.sent(0, chunks - 1)
    holes = tuple((2 * number, 2 * number) for number in range(MAX_MISSING))
    upto = 2 * MAX_MISSING - 1
    account.on_receipt(receipt(upto=upto, missing=holes, echo=first + chunks - 1))
    assert account.todo == holes


def test_above_a_cut_receipt_known_chunks_stay_known() -> None:
    account = ledger(made=1000)
    account.sent(0, 999)
    account.on_receipt(receipt(upto=999, echo=1100))
    holes = tuple((2 * number, 2 * number) for number in range(MAX_MISSING))
    account.on_receipt(receipt(upto=200, missing=holes, echo=1100))
    assert account.todo == holes


def test_a_dropped_chunk_is_declared_gone_when_postgres_lacks_it() -> None:
    account = ledger(made=10, dropped=((0, 4),), closed=True)
    assert account.gone == ()
    account.on_receipt(receipt(upto=9, missing=((3, 4), (6, 6)), echo=50, made=10))
    assert account.todo == ((6, 6),)
    assert account.gone == ((3, 4),)
    assert account.mark().gone == ((3, 4),)


def test_a_dropped_chunk_in_flight_is_not_gone_yet() -> None:
    account = ledger(made=2)
    account.sent(0, 1)
    account.drop(((0, 0),))
    account.on_receipt(receipt(echo=50))
    assert account.gone == ()
    account.on_receipt(receipt(upto=1, missing=((0, 0),), echo=102))
    assert account.gone == ((0, 0),)


def test_only_a_closed_run_is_complete() -> None:
    account = ledger(made=2)
    account.sent(0, 1)
    send = account.mark().send
    account.on_receipt(receipt(upto=1, echo=send, made=2))
    assert account.settled
    assert not account.complete
    account.close()
    assert not account.settled
    send = account.mark().send
    account.on_receipt(receipt(upto=1, echo=send, made=2))
    assert account.complete


def test_a_run_is_not_complete_while_its_last_mark_may_be_lost() -> None:
    account = ledger(made=2, closed=True)
    account.on_receipt(receipt(upto=1, echo=50, made=2))
    send = account.mark().send
    account.on_receipt(receipt(upto=1, echo=send - 1, made=2))
    assert not account.complete


def test_a_complete_run_is_sent_again_after_postgres_is_restored_to_an_older_copy() -> None:
    account = ledger(made=2, closed=True)
    account.on_receipt(receipt(upto=1, echo=50, made=2))
    send = account.mark().send
    account.on_receipt(receipt(upto=1, echo=send, made=2))
    assert account.complete
    account.on_receipt(receipt(upto=0, echo=50, made=-1, boot="b"))
    assert not account.complete
    assert account.todo == ((1, 1),)


def test_a_run_is_not_complete_before_the_hub_received_its_gone_chunks() -> None:
    account = ledger(made=2, closed=True)
    account.on_receipt(receipt(upto=1, echo=50, made=2))
    send = account.mark().send
    account.drop(((0, 0),))
    account.on_receipt(receipt(upto=1, missing=((0, 0),), echo=send, made=2))
    assert not account.complete
    send = account.mark().send
    account.on_receipt(receipt(upto=1, missing=((0, 0),), echo=send, made=2))
    assert not account.complete, "a later mark of a copy of this spool may have overtaken it"
    account.on_receipt(receipt(upto=1, missing=((0, 0),), echo=send, made=2, gone=((0, 0),)))
    assert account.complete


def test_a_deleted_run_has_nothing_to_send_and_waits_for_nothing() -> None:
    account = ledger(made=3, closed=True)
    account.sent(0, 0)
    account.delete()
    assert (account.todo, account.waiting, account.complete) == ((), 0, True)
