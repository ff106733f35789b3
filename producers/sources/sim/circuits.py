"""The circuits of the simulator."""

from functools import lru_cache
from typing import Final

from producers.sources.sim.track import Bend, Course, Pit, Track, build

COURSES: Final = {
    course.name: course
    for course in (
        Course(
            name="kestrel-vale",
            bends=(
                Bend("Hollin", 600, -95, 62, 45),
                Bend("Dovecote", 370, 55, 120, 50),
                Bend("Saltbox", 290, -80, 85, 45),
                Bend("Kestrel", 700, -150, 26, 25),
                Bend("Long Acre", 460, 85, 90, 50),
                Bend("Warren", 360, -65, 125, 60),
                Bend("Teasel", 330, 75, 70, 40),
                Bend("Mill", 470, -115, 42, 30),
                Bend("Paddock", 310, -70, 100, 50),
            ),
            last_straight_m=530,
            pit=Pit(entry_m=330, exit_m=250, box_m=60, limit_mps=80 / 3.6, aside_m=-14),
            sector_ends=(0.32, 0.68),
            hills=((9.0, 1, 0.7), (3.0, 2, 2.1)),
        ),
        Course(
            name="pebble-lane",
            bends=(
                Bend("Gate", 200, -85, 50, 26),
                Bend("Slip", 110, -105, 54, 24),
                Bend("Kiln", 150, 60, 72, 30),
                Bend("Spoon", 110, -120, 52, 24),
                Bend("Gatehouse", 150, -110, 54, 26),
            ),
            last_straight_m=210,
            pit=Pit(entry_m=120, exit_m=70, box_m=30, limit_mps=60 / 3.6, aside_m=-12),
            sector_ends=(0.33, 0.67),
            hills=((1.5, 1, 0.0),),
            half_width_m=4.5,
        ),
    )
}


@lru_cache(maxsize=len(COURSES))
def track(name: str) -> Track:
    """Return a circuit by name; raises ValueError for an unknown one."""
    if name not in COURSES:
        raise ValueError(f"track {name} is unknown, choose one of {', '.join(COURSES)}")
    return build(COURSES[name])
