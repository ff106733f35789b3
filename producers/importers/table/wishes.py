"""Parse the columns that a user maps to channels: `speed="Speed (km/h)"`, `speed:km/h=Speed`."""

from collections.abc import Sequence

from msgspec import Struct

from producers.importers.names import UNITS
from producers.importers.units import FACTORS, TEMPERATURES, scale
from producers.source import SourceError


class Wish(Struct, frozen=True):
    """Hold a channel, "time" for the time, the column that it is read from, and its unit or ""."""

    channel: str
    column: str
    unit: str


def wishes(texts: Sequence[str], columns: Sequence[str], file: str) -> dict[str, Wish]:
    """Return the wishes by channel; raises SourceError naming the one that cannot be met."""
    found: dict[str, Wish] = {}
    for text in texts:
        wish = _wish(text, columns, file)
        if wish.channel in found:
            raise SourceError(f"--map gives {wish.channel} two columns: name one")
        found[wish.channel] = wish
    return found


def _wish(text: str, columns: Sequence[str], file: str) -> Wish:
    left, equals, right = text.partition("=")
    channel, _, unit = left.strip().partition(":")
    if not equals or not channel or not right.strip():
        raise SourceError(f'--map "{text}" is not a mapping: write CHANNEL=COLUMN, as speed=Speed')
    if channel != "time" and channel not in UNITS:
        near = [name for name in UNITS if channel.split("_")[0] in name]
        hint = f"; there are {', '.join(near[:8])}" if near else ""
        raise SourceError(f'--map "{text}": there is no channel {channel}{hint}')
    named = [name for name in columns if name.casefold() == right.strip().casefold()]
    if not named:
        raise SourceError(
            f'--map "{text}": {file} has no column {right.strip()}; it has {", ".join(columns)}'
        )
    target = "s" if channel == "time" else UNITS[channel]
    if unit and scale(unit, target) is None:
        known = TEMPERATURES if target == "degC" else FACTORS[target]
        raise SourceError(
            f'--map "{text}": {unit} is no unit of {channel}; write one of '
            f"{', '.join(name for name in known if name) or 'none'}"
        )
    return Wish(channel, named[0], unit)
