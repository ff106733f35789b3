"""Messages that could not be used, kept whole."""

from msgspec import Struct


class DeadLetter(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="dead.letter"):
    """Keep the original bytes of a message that a consumer gave up on, and why.

    `(stream, sequence, consumer)` identify it; `created_ns` is the stream's birth, because a
    recreated stream counts from 1 again.
    """

    consumer: str
    stream: str
    created_ns: int
    sequence: int
    subject: str
    reason: str
    payload: bytes
    tries: int
    at_ns: int
