"""Mend the times of a capture whose clock stood still while the game's went on.

Tools that convert recordings sometimes stamp every datagram alike. F1 says in each packet what the
session's time is and which frame it is of, so there the time between frames is known all the same.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from producers.importers.pcap import Datagram
from producers.sources.f1.header import Header, read_header

LONGEST_STEP_S: Final = 1.0
FRAMES_PER_S: Final = 60
"""How fast the game counts frames, also while its session's time has not begun."""


def mended(datagrams: Iterable[Datagram]) -> Iterator[Datagram]:
    """Yield the datagrams, none earlier than the one before it."""
    last_ns = captured_ns = 0
    last: Header | None = None
    for datagram in datagrams:
        stands = datagram.captured_ns == captured_ns
        captured_ns = datagram.captured_ns
        last_ns = max(last_ns, captured_ns)
        header = read_header(datagram.payload)
        if header is not None and header.session:
            if stands and last is not None:
                last_ns += round(_step_s(last, header) * 1e9)
            last = header
        yield replace(datagram, captured_ns=last_ns)


def _step_s(last: Header, header: Header) -> float:
    """Return the time between two packets; 0 when they are of one frame or far apart."""
    if last.session != header.session:
        return 0.0
    step_s = header.time_s - last.time_s or (header.frame - last.frame) / FRAMES_PER_S
    return step_s if 0 < step_s < LONGEST_STEP_S else 0.0
