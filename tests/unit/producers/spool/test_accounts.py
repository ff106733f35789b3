"""The accounts follow the file: what is not in it is lost, and what is new there is finished."""

from msgspec.structs import replace

from producers.spool.accounts import Accounts
from producers.spool.ledger import RunKey
from producers.spool.retention import KeptRun

LIVE = RunKey("spa", "ada", 9)
EARLIER = RunKey("spa", "ada", 7)
RUN = KeptRun(id=1, key=LIVE, made=10)


def driving(made: int) -> Accounts:
    accounts = Accounts(send=1000)
    accounts.of(LIVE).keep(made - 1)
    return accounts


def test_chunks_that_an_opened_spool_lacks_are_gone() -> None:
    accounts = driving(12)
    accounts.follow({LIVE: replace(RUN, dropped=((3, 4),))})
    assert accounts[LIVE].gone == ((3, 4), (10, 11))
    assert accounts[LIVE].todo == ((0, 2), (5, 9))


def test_a_spool_that_is_empty_now_leaves_nothing_to_send() -> None:
    accounts = driving(12)
    accounts.follow({})
    assert (accounts[LIVE].gone, accounts.waiting) == (((0, 11),), 0)


def test_runs_that_are_found_later_are_finished_by_this_app() -> None:
    accounts = driving(12)
    accounts.follow(
        {LIVE: replace(RUN, made=12), EARLIER: replace(RUN, key=EARLIER, have=((0, 3),))}
    )
    assert (accounts[EARLIER].closed, accounts[EARLIER].waiting) == (True, 6)
    assert accounts.newest_run == LIVE.run
    assert not accounts[LIVE].gone


def test_chunks_that_were_waiting_for_the_disk_when_it_was_opened_are_kept_once_written() -> None:
    accounts = driving(12)
    accounts.follow({LIVE: RUN})
    accounts[LIVE].restore((10, 11))
    assert not accounts[LIVE].gone
    assert accounts[LIVE].todo == ((0, 11),)
