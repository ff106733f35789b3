"""The laps of other cars, from reports alone; only those are derived anew that were reported."""

from collections.abc import Sequence

from msgspec import Struct

from consumers.timing.laps import Owner, reported_lap
from consumers.timing.reports import OWN, Car
from consumers.timing.segments import Segment
from consumers.timing.timeline import Timeline
from consumers.timing.verdicts import Anew, Verdict, judge
from schemas.timing import Lap


class Other(Struct, frozen=True):
    """Hold the results and laps of a car by label."""

    judged: dict[int, Verdict] = {}
    laps: dict[int, Lap] = {}


Others = dict[Car, Other]


def derive_others(
    segments: Sequence[Segment],
    observer: Owner,
    line: Timeline,
    before: Others,
    anew: Anew,
) -> tuple[Others, dict[Car, set[int]]]:
    """Derive the laps of other cars that `observer` observed; return them, and which differ.

    Reports that are not to be judged anew leave their laps as they were before.
    """
    all_cars = (car for one in segments for car in one.reports)
    reported = {*(all_cars if anew.fresh is None else anew.fresh)}
    others, differ = dict(before), dict[Car, set[int]]()
    for car in sorted(reported - {OWN}):
        known = before.get(car, Other())
        judged, labels = judge(segments, car, line, known.judged, anew)
        owner = Owner(session=observer.session, driver=observer.driver, car=car[1])
        laps = dict(known.laps)
        for label in labels:
            laps.pop(label, None)
            if label in judged:
                laps[label] = reported_lap(label, judged[label], owner, own=False)
        others[car], differ[car] = Other(judged, laps), labels
    return others, differ
