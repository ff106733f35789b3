"""An attempt is retried until its peer is back or the service stops."""

import asyncio
from itertools import islice
from typing import Any

import pytest

from pitbox.service.retry import delays_s, retry


class PeerDown(Exception):  # noqa: N818 - a peer's state
    pass


class Hopeless(PeerDown):
    pass


class Logged:
    """Collect the logged lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def warning(self, event: str, **_: Any) -> None:
        self.lines.append(event)

    info = warning


class Peer:
    """Fail a number of attempts, then succeed."""

    def __init__(self, failures: int, error: type[Exception] = PeerDown) -> None:
        self.failures = failures
        self.attempts = 0
        self.attempted = asyncio.Event()
        self._error = error

    async def __call__(self) -> None:
        self.attempts += 1
        self.attempted.set()
        if self.attempts <= self.failures:
            raise self._error("not now")


async def retried(peer: Peer, stop: asyncio.Event | None = None) -> list[str]:
    log = Logged()
    await retry(peer, peer="Postgres", on=PeerDown, hopeless=Hopeless, log=log, stop=stop)
    return log.lines


def test_delays_double_up_to_a_longest_one() -> None:
    assert list(islice(delays_s(0.1, 0.5), 5)) == [0.1, 0.2, 0.4, 0.5, 0.5]


async def test_an_attempt_that_succeeds_is_the_only_one_and_logs_nothing() -> None:
    peer = Peer(failures=0)
    assert await retried(peer) == []
    assert peer.attempts == 1


async def test_failures_are_retried_and_logged_once() -> None:
    peer = Peer(failures=3)
    assert await retried(peer) == ["waiting for Postgres", "Postgres is back"]
    assert peer.attempts == 4


@pytest.mark.parametrize("error", [Hopeless, ZeroDivisionError])
async def test_an_error_that_no_retry_mends_is_raised_at_once(error: type[Exception]) -> None:
    peer = Peer(failures=9, error=error)
    with pytest.raises(error):
        await retried(peer)
    assert peer.attempts == 1


async def test_the_last_error_is_raised_when_the_service_stops() -> None:
    stop = asyncio.Event()
    peer = Peer(failures=10**9)
    waiting = asyncio.create_task(retried(peer, stop))
    await peer.attempted.wait()
    assert not waiting.done()
    stop.set()
    with pytest.raises(PeerDown):
        await waiting


async def test_a_service_that_stops_still_gets_one_attempt() -> None:
    stop = asyncio.Event()
    stop.set()
    peer = Peer(failures=0)
    await retried(peer, stop)
    assert peer.attempts == 1
