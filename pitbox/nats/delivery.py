"""What nats-server sends to a pull: messages of a stream, and the ends of requests."""

from typing import Final

from msgspec import Struct

PLAIN_TOKENS: Final = 9
UNSERVED: Final = "nats-pending-messages"


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


class Ending(Struct, frozen=True, gc=False):
    """Hold why nats-server ended a request, and the number of messages it asked for in vain."""

    status: str
    reason: str
    unserved: int


def delivery_of(
    subject: bytes, reply: bytes, payload: bytes, created_ns: int, life: int
) -> Delivery:
    """Return a message as a delivery.

    The reply subject is
    `$JS.ACK.<stream>.<consumer>.<tries>.<sequence>.<consumer sequence>.<stored>.<pending>`, or with
    a domain `$JS.ACK.<domain>.<account>.<stream>. ... .<random>` (nats-server's format). Raises
    ValueError or IndexError for another one.
    """
    answered = reply.decode()
    tokens = answered.split(".")
    first = 2 if len(tokens) == PLAIN_TOKENS else 4
    return Delivery(
        tokens[first],
        created_ns,
        int(tokens[first + 3]),
        subject.decode(errors="backslashreplace"),
        payload,
        int(tokens[first + 2]),
        int(tokens[first + 5]),
        answered,
        life,
        int(tokens[first + 6]),
    )


def ending_of(headers: bytes) -> Ending:
    """Return the end of a request from its headers: `NATS/1.0 <status> <reason>` and fields."""
    first, *fields = headers.decode(errors="backslashreplace").split("\r\n")
    _, status, reason = f"{first}  ".split(" ", 2)
    unserved = "0"
    for field in fields:
        name, _, value = field.partition(":")
        if name.lower() == UNSERVED and value.strip().isdecimal():
            unserved = value
    return Ending(status, reason.strip(), int(unserved))
