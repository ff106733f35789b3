"""Where on a lap a driver can listen: straights, with time left before the next braking."""

from typing import Final

import numpy as np

from consumers.corners.closed import runs
from consumers.corners.pedals import PRESSED
from consumers.corners.trace import Trace
from schemas.track import Stretch

LATERAL_MPS2: Final = 0.3 * 9.80665
BEFORE_BRAKING_S: Final = 2.0
LEAST_S: Final = 2.0


def straights(trace: Trace) -> tuple[Stretch, ...]:
    """Return the stretches of low lateral acceleration and no braking, the first after the line."""
    if trace.accel_lat is None:
        return ()
    calm = np.abs(trace.accel_lat) < LATERAL_MPS2
    if trace.brake is not None:
        calm &= trace.brake < PRESSED
    found = []
    for first, last in runs(calm):
        nodes = np.arange(first, last + 1)
        laps, within = np.divmod(nodes, trace.nodes)
        times_s = trace.times_s[within] + laps * trace.times_s[-1]
        if times_s[-1] - times_s[0] < LEAST_S + BEFORE_BRAKING_S:
            continue
        until = int(nodes[times_s <= times_s[-1] - BEFORE_BRAKING_S][-1])
        places_m = (node % trace.nodes * trace.step_m for node in (first, until))
        found.append(Stretch(*(round(place_m, 1) for place_m in places_m)))
    return tuple(sorted(found, key=lambda stretch: stretch.from_m))
