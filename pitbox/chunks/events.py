"""Decode the events of a chunk that a reader knows, and skip those of other and newer kinds."""

from collections.abc import Iterator
from typing import Final, TypeVar

import msgspec

from pitbox.chunks.errors import CorruptChunkError

Kind = TypeVar("Kind")

_raws: Final = msgspec.msgpack.Decoder(tuple[msgspec.Raw, ...])


def known_events(packed: bytes, decoder: msgspec.msgpack.Decoder[Kind]) -> Iterator[Kind]:
    """Yield the events of a chunk that a decoder of one event takes.

    Raises CorruptChunkError when the bytes are no list of events.
    """
    if not packed:
        return
    try:
        raws = _raws.decode(packed)
    except msgspec.DecodeError as error:
        raise CorruptChunkError(f"observed is not a list of events: {error}") from error
    for raw in raws:
        try:
            event = decoder.decode(raw)
        except msgspec.ValidationError:
            continue
        yield event
