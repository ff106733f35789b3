"""Messages that a consumer gave up on, kept whole."""

from msgspec import Struct


class DeadLetter(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="dead.letter"):
    """Keep the original bytes of a message that a consumer gave up on, and the reason.

    `(consumer, stream, sequence, at_ns)` identifies it; `at_ns` is when the stream stored the
    message. The sequence alone does not: a stream that was recreated (at `created_ns`) or restored
    uses its sequence numbers again.
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
