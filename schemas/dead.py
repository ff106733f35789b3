"""Messages that could not be used, kept whole."""

from msgspec import Struct


class DeadLetter(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="dead.letter"):
    """Keep the original bytes of a message that a consumer gave up on, and why.

    `(consumer, stream, sequence, at_ns)` identify it, `at_ns` being when the message was stored: a
    stream that was made anew (at `created_ns`) or put back uses its sequences again.
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
