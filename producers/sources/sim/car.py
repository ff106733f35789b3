"""The car: a point mass with grip, downforce, drag, an engine and gears."""

import math
from functools import lru_cache
from typing import Final

from msgspec import Struct

GRAVITY: Final = 9.80665
LITRE_KG: Final = 0.75
"""Mass of a litre of petrol in kg."""

TABLE_PER_MPS: Final = 2
FASTEST_MPS: Final = 100.0


class Car(Struct, frozen=True):
    """Describe a car; the defaults are of the GT class. `downforce` and `drag` are in N/(m/s)²."""

    model: str = "Harrier GT3"
    mass_kg: float = 1360.0
    grip: float = 1.46
    downforce: float = 1.5
    drag: float = 0.64
    rolling_mps2: float = 0.14
    engine_braking_mps2: float = 0.5
    traction: float = 0.66
    """Share of the grip that the driven wheels can put down."""

    braking: float = 0.95
    """Share of the grip that brakes can use before the wheels lock."""

    front_bias: float = 0.56
    peak_torque_nm: float = 575.0
    peak_rpm: float = 5800.0
    idle_rpm: float = 1600.0
    shift_rpm: float = 7900.0
    limit_rpm: float = 8300.0
    efficiency: float = 0.9
    rpm_per_mps: tuple[float, ...] = (316.0, 220.0, 168.0, 136.0, 114.0, 98.5)
    """Engine speed over road speed, gear by gear."""

    shift_s: float = 0.06
    wheelbase_m: float = 2.66
    to_rear_axle_m: float = 1.28
    track_width_m: float = 1.66
    gravity_centre_m: float = 0.46
    steering_ratio: float = 13.5
    understeer: float = 0.0011
    """Extra steered angle of the front wheels in rad for each m/s² to the side."""

    tank_l: float = 110.0
    refuel_lps: float = 2.6

    def torque_nm(self, rpm: float) -> float:
        """Return the engine's torque at full throttle."""
        return max(self.peak_torque_nm * (1 - ((rpm - self.peak_rpm) / 6500) ** 2), 0.0)


DEFAULT: Final = Car()
FORMULA: Final = Car(
    model="Merlin F3",
    mass_kg=690.0,
    grip=1.6,
    downforce=2.2,
    drag=0.6,
    traction=0.62,
    peak_torque_nm=310.0,
    peak_rpm=5900.0,
    shift_rpm=7200.0,
    limit_rpm=7600.0,
    rpm_per_mps=(300.0, 214.0, 166.0, 136.0, 114.0, 98.0),
    wheelbase_m=2.8,
    to_rear_axle_m=1.2,
    gravity_centre_m=0.3,
    steering_ratio=11.0,
    tank_l=60.0,
)
ROADSTER: Final = Car(
    model="Wren Cup",
    mass_kg=1080.0,
    grip=1.14,
    downforce=0.2,
    drag=0.42,
    traction=0.6,
    peak_torque_nm=215.0,
    peak_rpm=5000.0,
    idle_rpm=1100.0,
    shift_rpm=7000.0,
    limit_rpm=7400.0,
    rpm_per_mps=(330.0, 226.0, 168.0, 132.0, 108.0, 92.0),
    wheelbase_m=2.31,
    to_rear_axle_m=1.1,
    track_width_m=1.5,
    steering_ratio=15.0,
    tank_l=60.0,
)
MODELS: Final = {car.model: car for car in (DEFAULT, FORMULA, ROADSTER)}


def car_of(model: str) -> Car:
    """Return a car by its model; raises ValueError for an unknown one."""
    if model not in MODELS:
        raise ValueError(f"car_model {model} is unknown, choose one of {', '.join(MODELS)}")
    return MODELS[model]


class Gearbox(Struct, frozen=True):
    """Hold a car's gears by road speed.

    At `up_mps[g]` gear g+1 shifts up, below `down_mps[g]` it shifts down. `force_n[g]` is the push
    of gear g+1 at full throttle, with `TABLE_PER_MPS` entries for each m/s.
    """

    up_mps: tuple[float, ...]
    down_mps: tuple[float, ...]
    force_n: tuple[tuple[float, ...], ...]


@lru_cache(maxsize=16)
def gearbox(car: Car) -> Gearbox:
    """Return the gears of a car."""
    up = [car.shift_rpm / ratio for ratio in car.rpm_per_mps]
    down = [0.0, *(0.8 * speed for speed in up[:-1])]
    up[-1] = math.inf
    return Gearbox(tuple(up), tuple(down), tuple(_forces(car, ratio) for ratio in car.rpm_per_mps))


def _forces(car: Car, ratio: float) -> tuple[float, ...]:
    """Return the push in N at full throttle in a gear, by speed; at low revs the clutch slips."""
    forces = []
    for index in range(int(FASTEST_MPS * TABLE_PER_MPS) + 1):
        rpm = max(index / TABLE_PER_MPS * ratio, 2 * car.idle_rpm)
        torque_nm = 0.0 if rpm > car.limit_rpm else car.torque_nm(rpm)
        forces.append(torque_nm * ratio * math.tau / 60 * car.efficiency)
    return tuple(forces)
