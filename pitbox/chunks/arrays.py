"""Unpack blocks into numpy arrays, for services that read many frames; frames.py needs no numpy."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pitbox.chunks.columns import offsets
from pitbox.chunks.frames import channel_ids, decompress
from schemas.telemetry import Chunk

Times = NDArray[np.int64]
Values = NDArray[np.float32]
Column = NDArray[np.float64]


def unpack_blocks(
    blocks: Sequence[bytes], captured_ns: Sequence[int], frames: int, channels: bytes
) -> tuple[Times, Values]:
    """Return the times (ns since 1970) and values, float32[frames][channels], of stored blocks.

    Each block holds `frames` frames of `channels`. Raises CorruptChunkError when the size of one
    does not match.
    """
    width = len(channel_ids(channels))
    raw = b"".join([decompress(block, frames, width) for block in blocks])
    words = np.frombuffer(raw, "<u4").reshape(len(blocks), frames * (1 + width))
    bases = np.array(captured_ns, np.int64)
    times = (bases[:, None] + words[:, :frames].astype(np.int64) * 1000).ravel()
    return times, words[:, frames:].view("<f4").reshape(len(blocks) * frames, width)


def columns(
    chunks: Sequence[Chunk], contents: Sequence[bytes], wanted: tuple[int, ...]
) -> tuple[Times, list[Column | None]]:
    """Return the times (ns since 1970) and wanted channels of several chunks, one after another.

    `contents` are what `pitbox.chunks.frames.content` returned; all chunks with frames have the
    channels of the first one. `wanted` are ascending ids; an absent channel is None.
    """
    [channels] = {chunk.channels for chunk in chunks if chunk.frames}
    width = len(channel_ids(channels))
    words = np.frombuffer(b"".join(contents), "<u4")
    frames = np.array([chunk.frames for chunk in chunks])
    of_chunk = np.repeat(np.arange(len(chunks)), frames)
    first_frame = np.cumsum(frames) - frames
    frame = np.arange(len(of_chunk)) - first_frame[of_chunk]
    begins = (first_frame * (1 + width))[of_chunk]
    captured_ns = np.array([chunk.captured_ns for chunk in chunks], np.int64)
    times_ns = captured_ns[of_chunk] + words[begins + frame].astype(np.int64) * 1000
    rows, values = begins + frames[of_chunk] + frame * width, words.view("<f4")
    return times_ns, [
        None if offset is None else values[rows + offset].astype(np.float64)
        for offset in offsets(channels, wanted)
    ]
