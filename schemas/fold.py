"""Progress of a fold: up to where its outputs stand."""

from msgspec import Struct


class Progress(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="fold.progress"):
    """State up to which message of a stream a consumer has published everything.

    `created_ns` is the stream's birth and `stored_ns` when the message `sequence` was stored, so
    that a stream that was recreated or restored is recognised. `starts` counts starts since the
    sequence last moved. After some of these, messages are decided alone: `suspect` is the latest,
    `endings` counts the starts that found it unfinished, and `buried` lists the latest messages
    that were given up for that.
    """

    consumer: str
    stream: str
    version: int
    created_ns: int = 0
    sequence: int = 0
    stored_ns: int = 0
    starts: int = 0
    suspect: int = 0
    endings: int = 0
    buried: tuple[int, ...] = ()
