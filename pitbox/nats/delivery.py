"""One message of a stream, with the metadata of its acknowledgement subject."""

from typing import Final

from msgspec import Struct
from nats.aio.msg import Msg

PLAIN_TOKENS: Final = 9


class Delivery(Struct, frozen=True, gc=False):
    """Hold one message of a stream.

    `created_ns` is when the stream was created, `stored_ns` when the message was stored (ns since
    1970). `tries` counts deliveries. `life` changes when the stream is recreated or restored.
    `pending` counts the messages after this one.
    """

    stream: str
    created_ns: int
    sequence: int
    subject: str
    payload: bytes
    tries: int
    stored_ns: int
    reply: str
    life: int = 0
    pending: int = 0


def delivery_of(message: Msg, created_ns: int, life: int) -> Delivery:
    """Return a message as a delivery.

    The reply subject is
    `$JS.ACK.<stream>.<consumer>.<tries>.<sequence>.<consumer sequence>.<stored>.<pending>`, or with
    a domain `$JS.ACK.<domain>.<account>.<stream>. ... .<random>` (nats-server's format).
    """
    tokens = message.reply.split(".")
    first = 2 if len(tokens) == PLAIN_TOKENS else 4
    return Delivery(
        stream=tokens[first],
        created_ns=created_ns,
        sequence=int(tokens[first + 3]),
        subject=message.subject,
        payload=message.data,
        tries=int(tokens[first + 2]),
        stored_ns=int(tokens[first + 5]),
        reply=message.reply,
        life=life,
        pending=int(tokens[first + 6]),
    )
