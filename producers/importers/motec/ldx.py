"""Read the beacons of a log from the .ldx beside it, an XML file of MoTeC i2."""

import math
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from producers.source import SourceError

MAX_BYTES: Final = 4_000_000
MAX_BEACONS: Final = 20_000
US_PER_S: Final = 1e6


def beside(log: Path) -> Path | None:
    """Return the .ldx of a log, None when it has none."""
    candidates = (log.with_suffix(suffix) for suffix in (".ldx", ".LDX", ".Ldx"))
    return next((path for path in candidates if path.is_file()), None)


def beacons(path: Path, lasts_s: float) -> tuple[float, ...]:
    """Return when the car passed the line, in s since the log's start, ascending.

    Raises SourceError when the file is damaged, or of another log.
    """
    if path.stat().st_size > MAX_BYTES:
        raise SourceError(f"{path.name} has more than {MAX_BYTES} bytes: it is no .ldx of a log")
    try:
        root = ElementTree.fromstring(path.read_bytes())
        times_s = sorted(
            float(marker.get("Time", "")) / US_PER_S
            for group in root.iter("MarkerGroup")
            if group.get("Name") == "Beacons"
            for marker in group.iter("Marker")
        )
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise SourceError(
            f"{path.name} is damaged: {error}; without it the log is imported without its beacons"
        ) from None
    if len(times_s) > MAX_BEACONS:
        raise SourceError(f"{path.name} has {len(times_s)} beacons, at most {MAX_BEACONS}")
    beyond = [one for one in times_s if not 0 <= one <= lasts_s or math.isnan(one)]
    if beyond:
        raise SourceError(
            f"{path.name} has a beacon at {beyond[0]:.3f} s, but the log lasts {lasts_s:.3f} s: "
            "it is of another log"
        )
    return tuple(times_s)
