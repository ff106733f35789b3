"""Read recordings of gt-telemetry (.gtz): gzipped plain packets of Gran Turismo 7, end to end.

A recording holds no times. Packets are timed by their numbers, 60 a second; the last one gets the
file's modification time.
"""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

from producers.source import Observation, SourceError
from producers.sources import gt7
from producers.sources.gt7 import PACKETS_PER_S
from producers.sources.gt7.packet import KINDS, MAGIC, encrypt

NUMBER_AT: Final = 0x70
MAX_PACKETS: Final = 60 * 3600 * 48
"""Two days of driving."""


def observations(path: Path) -> Iterator[Observation]:
    """Yield the observations of a recording; raises SourceError for a damaged one before that."""
    first = last = None
    for packet in packets(path):
        last = _number(packet)
        first = last if first is None else first
    if first is None or last is None:
        raise SourceError(f"{path.name} holds no packets of Gran Turismo 7")
    return _replay(path, first, last)


def packets(path: Path) -> Iterator[bytes]:
    """Yield the plain packets of a recording; raises SourceError when it is damaged.

    An incomplete last packet is left out.
    """
    try:
        with _unpacked(path) as file:
            length = _length(file.read(2 * KINDS[-1].length), path.name)
            file.seek(0)
            for _ in range(MAX_PACKETS):
                packet = file.read(length)
                if len(packet) < length:
                    return
                if packet[:4] != MAGIC:
                    raise SourceError(f"{path.name} is damaged: a packet lacks the game's magic")
                yield packet
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{path.name} is damaged, or cut short: {error}") from None
    raise SourceError(f"{path.name} holds more than {MAX_PACKETS} packets")


def _unpacked(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path)) if packed else path.open("rb")


def _length(head: bytes, name: str) -> int:
    """Return the length of the packets, which is the offset of the second one.

    Raises SourceError when no known length fits.
    """
    lengths = [kind.length for kind in KINDS]
    found = (length for length in lengths if head[length : length + 4] == MAGIC)
    only = (length for length in lengths if len(head) == length)
    length = next(found, next(only, None))
    if length is None or head[:4] != MAGIC:
        raise SourceError(f"{name} holds no packets of Gran Turismo 7")
    return length


def _replay(path: Path, first: int, last: int) -> Iterator[Observation]:
    decoder = gt7.decoder()
    ended_ns = path.stat().st_mtime_ns
    lasted_ns = max(0, last - first) * 1_000_000_000 // PACKETS_PER_S
    for packet in packets(path):
        since_ns = max(0, _number(packet) - first) * 1_000_000_000 // PACKETS_PER_S
        sealed = encrypt(packet, seed=_number(packet))
        yield from decoder.feed(sealed, ended_ns - lasted_ns + min(since_ns, lasted_ns))


def _number(packet: bytes) -> int:
    return int.from_bytes(packet[NUMBER_AT : NUMBER_AT + 4], "little")
