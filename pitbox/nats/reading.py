"""Examine whether a durable's consumer reads its stream and finishes what it reads."""

import asyncio
from typing import Final

import nats.errors
import nats.js.errors
from msgspec import Struct
from nats.js import JetStreamContext, api

from pitbox.nats.connection import BusDown

PATIENCE_S: Final = 3.0
LOOK_S: Final = 0.2


class Reading(Struct, frozen=True):
    """Hold how a durable is read.

    `waiting` counts messages that are not acknowledged. `attached` is whether anybody requests
    messages or holds some, `moves` whether none waits or some were acknowledged during the look.
    """

    waiting: int
    attached: bool
    moves: bool


async def reading(
    js: JetStreamContext, stream: str, durable: str, *, patience_s: float = PATIENCE_S
) -> Reading:
    """Look at a durable until it moves, for at most `patience_s`; raises BusDown."""
    try:
        first = await js.consumer_info(stream, durable)
        found = _of(first, first)
        for _ in range(int(patience_s / LOOK_S)):
            if found.attached and found.moves:
                break
            await asyncio.sleep(LOOK_S)
            found = _of(first, await js.consumer_info(stream, durable))
    except (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError) as error:
        raise BusDown(f"{stream}/{durable} cannot be examined: {error!r}") from None
    return found


def _of(first: api.ConsumerInfo, now: api.ConsumerInfo) -> Reading:
    waiting = (now.num_pending or 0) + (now.num_ack_pending or 0)
    acknowledged = [info.ack_floor.stream_seq if info.ack_floor else 0 for info in (first, now)]
    return Reading(
        waiting=waiting,
        attached=bool(now.num_waiting or now.num_ack_pending),
        moves=not waiting or acknowledged[1] > acknowledged[0],
    )
