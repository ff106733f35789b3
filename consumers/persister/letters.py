"""Dead letters of the persister itself.

They go to their table in the transaction that passes the message by, so none is lost or doubled.
"""

from typing import Final

from pitbox.nats.delivery import Delivery
from schemas.dead import DeadLetter

CONSUMER: Final = "persister"
MAX_REASON: Final = 500


def letter(delivery: Delivery, reason: str) -> DeadLetter:
    """Return a message as a dead letter; `reason` begins with its kind and a colon."""
    return DeadLetter(
        consumer=CONSUMER,
        stream=delivery.stream,
        created_ns=delivery.created_ns,
        sequence=delivery.sequence,
        subject=delivery.subject,
        reason=reason[:MAX_REASON],
        payload=delivery.payload,
        tries=delivery.tries,
        at_ns=delivery.stored_ns,
    )


def kind(dead: DeadLetter) -> str:
    """Return why, in one word, for a metric's label."""
    return dead.reason.split(":", 1)[0]
