"""What the sim said of laps, over all segments."""

from collections.abc import Iterable

from consumers.timing.segments import Reports, Segment, append_versions
from schemas.sim import LapReported


def reports_of(car: tuple[bool, str], segments: Iterable[Segment]) -> Reports:
    """Merge what the sim said of the laps of one car."""
    merged: Reports = {}
    said = [segment.reports[car] for segment in segments if car in segment.reports]
    for laps in said:
        for number, versions in laps.items():
            both = (*merged.get(number, ()), *versions)
            merged[number] = _deduplicated(both)
    return merged


def _deduplicated(versions: tuple[LapReported, ...]) -> tuple[LapReported, ...]:
    kept: tuple[LapReported, ...] = ()
    for version in sorted(versions, key=lambda v: v.at_ns):
        kept = append_versions(kept, (version,))
    return kept
