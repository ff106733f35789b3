"""Dead letters: build one from a message, limit them per sender, publish and count them.

The persister writes its own letters to Postgres and uses everything but `publish`.
"""

from collections.abc import Container
from typing import Final

from pitbox import logs, metrics
from pitbox.nats.bus import Bus
from pitbox.nats.delivery import Delivery
from pitbox.service.limits import Limit, sender
from schemas.dead import DeadLetter

MAX_REASON: Final = 500
LOGGED_REASON: Final = 200
MAX_KIND: Final = 40
RATION: Final = (100, 1000.0)
"""The most letters a sender may cause at once, and the seconds in which as many are refilled."""

log = logs.get("dead")


class Ration:
    """Limit the dead letters of each sender in the streams that drivers publish to.

    Without a limit one driver could fill the stream of dead letters and push out other letters.
    """

    def __init__(
        self, from_drivers: Container[str], count: int = RATION[0], span_s: float = RATION[1]
    ) -> None:
        """Allow `count` letters of a sender at once, refilled evenly within `span_s`."""
        self._from_drivers = from_drivers
        self._limit = Limit(count, span_s)

    def spend(self, delivery: Delivery) -> bool:
        """Take one letter out of the sender's ration; return False when the ration is used up.

        The clock is the time of storing, so reading a stream again gives the same letters.
        """
        if delivery.stream not in self._from_drivers:
            return True
        return not self._limit.wait_s(sender(delivery.subject), delivery.stored_ns / 1e9)


def letter_of(consumer: str, delivery: Delivery, reason: str) -> DeadLetter:
    """Return a message as a dead letter; `reason` begins with its kind and a colon."""
    return DeadLetter(
        consumer=consumer,
        stream=delivery.stream,
        created_ns=delivery.created_ns,
        sequence=delivery.sequence,
        subject=delivery.subject,
        reason=reason[:MAX_REASON],
        payload=delivery.payload,
        tries=delivery.tries,
        at_ns=delivery.stored_ns,
    )


async def publish(bus: Bus, letter: DeadLetter, identity: str) -> None:
    """Publish a dead letter under its identity and count it; raises BusDown when that fails."""
    await bus.store("dead.letter", letter, identity=identity)
    count(letter)


def count(letter: DeadLetter) -> None:
    """Count a stored dead letter by its kind, and log it."""
    kind = letter.reason.split(":", 1)[0][:MAX_KIND]
    metrics.dead_letters.labels(letter.consumer, kind).inc()
    log.warning(
        "dead letter",
        stream=letter.stream,
        sequence=letter.sequence,
        reason=letter.reason[:LOGGED_REASON],
    )


def count_not_kept(consumer: str, messages: int = 1) -> None:
    """Count messages that became no dead letter because their sender's ration is used up."""
    metrics.not_kept.labels(consumer).inc(messages)
