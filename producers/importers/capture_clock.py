"""Repair the times of a capture with a clock that stood still.

Tools that convert recordings sometimes give every datagram the same time. Each F1 packet carries
the session's time and its frame number, so the time between F1 packets is known nevertheless.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from producers.importers.pcap import Datagram
from producers.sources.f1.header import Header, read_header

LONGEST_STEP_S: Final = 1.0
FRAMES_PER_S: Final = 60
"""The game's frame rate, which gives the step while the session's time stands at 0."""


def mended(datagrams: Iterable[Datagram]) -> Iterator[Datagram]:
    """Yield the datagrams with repaired times, which never go back."""
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
    """Return the seconds between two packets; 0 when they are of one frame or far apart."""
    if last.session != header.session:
        return 0.0
    step_s = header.time_s - last.time_s or (header.frame - last.frame) / FRAMES_PER_S
    return step_s if 0 < step_s < LONGEST_STEP_S else 0.0
