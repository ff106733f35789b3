"""Read the container .ld: its header, and the chain of channels, each with a rate of its own.

Every offset is checked against the file's size before use. A sample's value is
`(raw / scale * 10**-decimals + shift) * multiplier`.
"""

import math
import mmap
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from producers.source import SourceError

MARKER: Final = 0x40
HEADER: Final = struct.Struct("<I4xI")
DATE: Final = slice(0x5E, 0x6E)
TIME: Final = slice(0x7E, 0x8E)
VEHICLE: Final = slice(0xDE, 0x11E)
VENUE: Final = slice(0x15E, 0x19E)
HEADER_END: Final = 0x1A2
CHANNEL: Final = struct.Struct("<4x3I2x3H4h32s8x12s")
CODES: Final = {
    (0, 2): "h", (3, 2): "h", (5, 2): "h",
    (0, 4): "i", (3, 4): "i", (5, 4): "i",
    (7, 2): "e", (7, 4): "f", (7, 8): "d", (8, 8): "d",
}  # fmt: skip
"""The struct code of a sample, by the two numbers of a channel's data type."""

MAX_CHANNELS: Final = 4096
MAX_RATE_HZ: Final = 10_000
MAX_LOG_S: Final = 48 * 3600
DATES: Final = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M")


class Logged(Struct, frozen=True):
    """Describe a logged channel: value = raw * `factor` + `offset`, in `unit`."""

    name: str
    unit: str
    rate_hz: int
    samples: int
    starts_at: int
    code: str
    factor: float
    offset: float

    def read(self, content: mmap.mmap | bytes, first: int, last: int) -> list[float]:
        """Return the values of the samples from `first` until before `last`."""
        layout = struct.Struct(f"<{last - first}{self.code}")
        raw = layout.unpack_from(content, self.starts_at + first * struct.calcsize(self.code))
        factor, offset = self.factor, self.offset
        return [value * factor + offset for value in raw]


class Log(Struct, frozen=True):
    """Hold the checked header of a log; `unreadable` names channels without readable samples.

    `started_ns` is the logger's own clock, which has no zone and is taken as UTC; None where the
    header has no date.
    """

    started_ns: int | None
    vehicle: str
    venue: str
    channels: tuple[Logged, ...]
    unreadable: tuple[str, ...]

    @property
    def lasts_s(self) -> float:
        """Return the duration of the log."""
        return max(channel.samples / channel.rate_hz for channel in self.channels)


def read_log(content: mmap.mmap | bytes, name: str) -> Log:
    """Read and check the header and the chain of channels; raises SourceError naming the fault."""
    if len(content) < HEADER_END:
        raise SourceError(f"{name} is too short to be a MoTeC log")
    marker, channels_at = HEADER.unpack_from(content)
    if marker != MARKER:
        raise SourceError(f"{name} is not a MoTeC log: its header makes no sense")
    channels, unreadable = [], []
    for channel in _chain(content, name, channels_at):
        if isinstance(channel, Logged):
            channels.append(channel)
        else:
            unreadable.append(channel)
    if not channels:
        raise SourceError(f"{name} holds no channel with samples")
    log = Log(
        started_ns=_started_ns(_text(content[DATE]), _text(content[TIME])),
        vehicle=_text(content[VEHICLE]),
        venue=_text(content[VENUE]),
        channels=tuple(channels),
        unreadable=tuple(unreadable),
    )
    if log.lasts_s > MAX_LOG_S:
        raise SourceError(f"{name} declares {log.lasts_s:.0f} s, at most {MAX_LOG_S} are accepted")
    return log


def _chain(content: mmap.mmap | bytes, name: str, at: int) -> Iterator[Logged | str]:
    """Yield the channels of the chain; of an unreadable one its name."""
    for _ in range(MAX_CHANNELS):
        if not at:
            return
        if at + CHANNEL.size > len(content):
            raise SourceError(
                f"{name} is cut short: a channel is described at byte {at}, the file has "
                f"{len(content)}"
            )
        at, channel = _channel(content, name, at)
        yield channel
    raise SourceError(f"{name} is damaged: its chain of channels has no end")


def _channel(content: mmap.mmap | bytes, name: str, at: int) -> tuple[int, Logged | str]:
    """Return where the next channel is described, and this one."""
    following, starts_at, samples, kind, size, rate_hz, *scales, raw_name, raw_unit = (
        CHANNEL.unpack_from(content, at)
    )
    shift, multiplier, divisor, decimals = scales
    title, code = _text(raw_name), CODES.get((kind, size))
    if not (title and code and samples and divisor and 0 < rate_hz <= MAX_RATE_HZ):
        return following, title or f"a channel without a name at byte {at}"
    ends_at = starts_at + samples * struct.calcsize(code)
    if starts_at < HEADER_END or ends_at > len(content):
        raise SourceError(
            f"{name} is cut short or damaged: the samples of {title} are at bytes {starts_at} to "
            f"{ends_at}, the file has {len(content)}"
        )
    factor = multiplier * 10.0**-decimals / divisor if abs(decimals) <= 30 else math.nan
    if not math.isfinite(factor):
        return following, title
    offset = float(shift * multiplier)
    unit = _text(raw_unit)
    return following, Logged(title, unit, rate_hz, samples, starts_at, code, factor, offset)


def _started_ns(date: str, time: str) -> int | None:
    for layout in DATES:
        try:
            started = datetime.strptime(f"{date} {time}", layout).replace(tzinfo=UTC)
        except ValueError:
            continue
        return int(started.timestamp()) * 1_000_000_000 if started.year >= 1980 else None
    return None


def _text(raw: bytes) -> str:
    text = raw.split(b"\0", 1)[0].decode("cp1252", errors="replace")
    return "".join(one for one in text if one.isprintable()).strip()
