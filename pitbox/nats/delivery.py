"""One message of a stream, with what its acknowledgement's address tells of it."""

from typing import Final

from msgspec import Struct
from nats.aio.msg import Msg

PLAIN_TOKENS: Final = 9


class Delivery(Struct, frozen=True, gc=False):
    """One message of a stream, with where and when it was stored and how often it was tried.

    `created_ns` is the stream's birth, `life` numbers the attachment to it that brought this, and
    `pending` counts the messages behind it.
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

    Its reply is `$JS.ACK.<stream>.<consumer>.<tries>.<sequence>.<of consumer>.<stored>.<pending>`,
    or with a domain `$JS.ACK.<domain>.<account>.<stream>. ... .<random>`.
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
