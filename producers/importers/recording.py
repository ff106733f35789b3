"""Open a recording of any supported kind, which its content decides."""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from producers.importers import gtz, ibt, motec, pcap, table
from producers.importers.capture_clock import mended
from producers.importers.mapping import Mapping
from producers.left_out import Tally
from producers.source import Observation, SourceError
from producers.sources.gt7.packet import MAGIC
from producers.sources.network.recognition import SUPPORTED, Recogniser, decoders

GZIP: Final = b"\x1f\x8b"
PCAP: Final = (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d")
PCAPNG: Final = b"\x0a\x0d\x0d\x0a"
KINDS: Final = (
    "iRacing .ibt, MoTeC .ld, .csv, .pcap or .pcapng of a game's datagrams, gzipped or not, and "
    ".gtz of gt-telemetry"
)


def open_recording(path: Path, chosen: Sequence[str] = ()) -> Iterator[Observation]:
    """Yield the observations of a recording.

    `chosen` are mappings of a table's columns, as `speed:km/h=COLUMN`. Raises SourceError before
    the first observation when the file is of no known kind, cannot be read, is damaged, or holds no
    game or several.
    """
    head = _head(path)
    if head[:4] in (*PCAP, PCAPNG):
        return _replay(path, _game(path))
    if head[:4] == MAGIC:
        return gtz.observations(path)
    if path.suffix.lower() == ".ibt":
        return ibt.observations(path)
    if path.suffix.lower() == ".ld":
        return motec.observations(path)
    if table.is_table(path):
        return table.observations(path, chosen)
    raise SourceError(f"{path.name} cannot be imported, its kind is unknown: give {KINDS}")


def mapping_of(path: Path, chosen: Sequence[str] = ()) -> Mapping | None:
    """Return which columns of a file are read as what; None for a kind without columns.

    Raises SourceError as `open_recording`.
    """
    if path.suffix.lower() == ".ld":
        _head(path)
        return motec.mapping(path)
    if table.is_table(path):
        _head(path)
        return table.mapping(path, chosen)
    return None


def beside(path: Path) -> Path | None:
    """Return the file that belongs to a recording, None for most."""
    return motec.beside(path) if path.suffix.lower() == ".ld" else None


def _head(path: Path) -> bytes:
    """Return the first four bytes of a file's content, unpacked."""
    if path.is_dir():
        raise SourceError(f"{path} is a folder: name the files in it")
    try:
        with path.open("rb") as file:
            head = file.read(4)
        if not head:
            raise SourceError(f"{path.name} is empty")
        return _unpacked_head(path) if head[:2] == GZIP else head
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror or error}") from None


def _unpacked_head(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            return file.read(4)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{path.name} is damaged: {error}") from None


def _game(path: Path) -> str:
    """Return the one game in a capture; raises SourceError.

    The capture is read to its end first, so that a damaged one is never imported in part.
    """
    known, found, total, left_out = decoders(), "", 0, Tally()
    for datagram in pcap.datagrams(path, left_out):
        total += 1
        names = [decoder.name for decoder in known if decoder.recognises(datagram.payload)]
        if not names or names[0] == found:
            continue
        if found:
            raise SourceError(
                f"{path.name} holds datagrams of {found} and of {names[0]}: "
                f"cut it into one file a game"
            )
        found = names[0]
    cut = f"; {left_out.total} more are not whole" if left_out.total else ""
    if not total:
        raise SourceError(f"{path.name} holds no UDP datagrams{cut}")
    if not found:
        raise SourceError(
            f"none of the {total} datagrams in {path.name} is of a supported game{cut}: {SUPPORTED}"
        )
    return found


def _replay(path: Path, game: str) -> Iterator[Observation]:
    """Yield the observations of the game, and at the end the counts of unused datagrams."""
    recogniser, left_out, last_ns = Recogniser((game,)), Tally(), 0
    for datagram in mended(pcap.datagrams(path, left_out)):
        last_ns = datagram.captured_ns
        yield from recogniser.feed(datagram.payload, last_ns, datagram.sender)
    yield from recogniser.close()
    yield from recogniser.left_out(last_ns)
    yield from left_out.take(last_ns)
