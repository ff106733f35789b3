"""Read back from streams: the last event of a subject, and identities of stored messages."""

import datetime
import secrets
from typing import Any, Final

import nats.errors
import nats.js.errors
from nats.js import api

from pitbox.nats.bus import IDENTITY, Bus, BusDown
from schemas.registry import UNDECODABLE

FETCH: Final = 500
FETCH_S: Final = 5.0
INACTIVE_S: Final = 5
"""nats-server deletes a reader after so long; a stream may have a limited number of them."""

ERRORS: Final = (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError)


async def last(bus: Bus, route: str, **fields: Any) -> Any:
    """Return the last event of a subject, None without one that decodes; raises BusDown."""
    subject = bus.topology.subject(route, **fields)
    try:
        found = await bus.jetstream.get_msg(
            bus.topology.stream_of[route], subject=subject, direct=True
        )
        return bus.topology.decoder(route).decode(found.data or b"")
    except (nats.js.errors.NotFoundError, *UNDECODABLE):
        return None
    except ERRORS as error:
        raise BusDown(f"{route} cannot be read: {error!r}") from None


async def identities(bus: Bus, route: str, since_ns: int, **fields: Any) -> list[str]:
    """Return the identities of a route's messages stored since `since_ns` (ns since 1970).

    `fields` narrow the subjects. Only headers are read. Raises BusDown.
    """
    stream = bus.topology.stream_of[route]
    since = datetime.datetime.fromtimestamp(max(0, since_ns) / 1e9, datetime.UTC)
    config = api.ConsumerConfig(
        name=f"{bus.service}-{secrets.token_hex(8)}",
        ack_policy=api.AckPolicy.NONE,
        deliver_policy=api.DeliverPolicy.BY_START_TIME,
        opt_start_time=since,
        filter_subject=bus.topology.filter(route, **fields),
        headers_only=True,
        inactive_threshold=INACTIVE_S,
        mem_storage=True,
    )
    found: list[str] = []
    try:
        info = await bus.jetstream.add_consumer(stream, config)
        left = info.num_pending or 0
        reader = await bus.jetstream.pull_subscribe_bind(consumer=config.name, stream=stream)
        try:
            while left > 0:
                messages = await reader.fetch(min(left, FETCH), timeout=FETCH_S)
                left -= len(messages)
                found += [(message.headers or {}).get(IDENTITY, "") for message in messages]
        finally:
            await reader.unsubscribe()
    except nats.js.errors.NotFoundError:
        return []
    except ERRORS as error:
        raise BusDown(f"{route} cannot be read back: {error}") from None
    return [identity for identity in found if identity]
