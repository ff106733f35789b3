"""Retry with backoff until a peer is back: the one policy of all services."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

FIRST_DELAY_S: Final = 0.05
LONGEST_DELAY_S: Final = 1.0

Kinds = type[Exception] | tuple[type[Exception], ...]


def delays_s(first_s: float = FIRST_DELAY_S, longest_s: float = LONGEST_DELAY_S) -> Iterator[float]:
    """Yield the delays between attempts, without end: doubled each time, at most `longest_s`."""
    delay_s = first_s
    while True:
        yield min(delay_s, longest_s)
        delay_s = min(2 * delay_s, longest_s)


async def retry(
    attempt: Callable[[], Awaitable[object]],
    *,
    peer: str,
    on: Kinds,
    hopeless: Kinds = (),
    log: Any,
    stop: asyncio.Event | None = None,
    **fields: Any,
) -> None:
    """Call `attempt` until it succeeds, with a delay after each error of `on`.

    The first failure and the return of `peer` are logged with `fields`. Raises the last attempt's
    error when it is `hopeless` or `stop` is set. Without `stop` only cancellation ends the retries.
    """
    for number, delay_s in enumerate(delays_s()):
        try:
            await attempt()
        except hopeless:
            raise
        except on as error:
            if stop is not None and stop.is_set():
                raise
            if number == 0:
                log.warning(f"waiting for {peer}", reason=str(error), **fields)
            await _pause(delay_s, stop)
            continue
        if number:
            log.info(f"{peer} is back", **fields)
        return


async def _pause(delay_s: float, stop: asyncio.Event | None) -> None:
    """Sleep, at most until `stop` is set."""
    if stop is None:
        await asyncio.sleep(delay_s)
        return
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), delay_s)
