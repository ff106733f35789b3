"""The state of a car that changes while driving: fuel, tyres, brakes, heat."""

import math
from typing import Final

from msgspec import Struct

from producers.sources.sim.car import LITRE_KG, Car

AIR_C: Final = 22.0
ROAD_C: Final = 31.0
BEST_TYRE_C: Final = 88.0
WARMED_C: Final = 76.0
LITRES_PER_KWH: Final = 0.36
IDLE_L_PER_H: Final = 4.0
FRONT_DISC_J_PER_K: Final = 2500.0
REAR_DISC_J_PER_K: Final = 2300.0
TYRE_COOLS_S: Final = 70.0

# Heat in °C and share of wear of a tyre, for each metre and each m/s² of acceleration.
TYRE_HEAT: Final = 0.0024
TYRE_WEAR: Final = 3.5e-7

# Share of the load that moves to the outer wheels, and to the rear ones, for each m/s².
LEANS: Final = 0.03
SQUATS: Final = 0.022


class Load(Struct, frozen=True, gc=False):
    """Hold the load on a car at one instant; `power_w` is the engine's."""

    speed_mps: float
    accel_long: float
    accel_lat: float
    power_w: float
    braking_n: float


class Condition:
    """Hold the condition of a car; wheels are in the order fl, fr, rl, rr.

    `burns` is the factor of its fuel consumption.
    """

    def __init__(self, car: Car, fuel_l: float, tyre_c: float) -> None:
        self._car = car
        self.fuel_l = fuel_l
        self.fuel_l_per_h = 0.0
        self.burns = 1.0
        self.wear = [0.0] * 4
        self.tyre_c = [tyre_c] * 4
        self.brake_c = [260.0, 260.0, 220.0, 220.0]
        self.coolant_c = 84.0
        self.oil_c = 92.0

    @property
    def mass_kg(self) -> float:
        """Return the mass of the car with its fuel."""
        return self._car.mass_kg + LITRE_KG * self.fuel_l

    @property
    def grip(self) -> float:
        """Return the share of the car's grip that its tyres still give, by wear and heat."""
        worn = sum(self.wear) / 4
        off_c = sum(self.tyre_c) / 4 - BEST_TYRE_C
        return (1 - 0.09 * worn - 0.2 * worn**3) * (1 - (off_c / 190) ** 2)

    def service(self, fuel_l: float) -> None:
        """Change the tyres and fill the tank to `fuel_l`."""
        self.fuel_l = fuel_l
        self.wear = [0.0] * 4
        self.tyre_c = [WARMED_C] * 4

    def spend(self, load: Load, seconds: float) -> None:
        """Apply a load for some seconds: burn fuel, heat engine and brakes, wear tyres."""
        burnt_l_per_h = IDLE_L_PER_H + LITRES_PER_KWH * load.power_w / 1000
        self.fuel_l_per_h = self.burns * burnt_l_per_h
        self.fuel_l = max(self.fuel_l - self.fuel_l_per_h * seconds / 3600, 0.0)
        self._heat_engine(load, seconds)
        self._heat_brakes(load, seconds)
        self._work_tyres(load, seconds)

    def _heat_engine(self, load: Load, seconds: float) -> None:
        coolant_c = 80 + load.power_w / 30_000 - load.speed_mps / 20
        self.coolant_c += (coolant_c - self.coolant_c) * seconds / 40
        self.oil_c += (self.coolant_c + 14 - self.oil_c) * seconds / 60

    def _heat_brakes(self, load: Load, seconds: float) -> None:
        heat = load.braking_n * load.speed_mps * seconds / 2
        cooling = (0.012 + load.speed_mps * 0.0007) * seconds
        front = heat * self._car.front_bias / FRONT_DISC_J_PER_K
        rear = heat * (1 - self._car.front_bias) / REAR_DISC_J_PER_K
        for wheel, warms_c in enumerate((front, front, rear, rear)):
            self.brake_c[wheel] += warms_c - (self.brake_c[wheel] - AIR_C) * cooling

    def _work_tyres(self, load: Load, seconds: float) -> None:
        sliding = math.hypot(load.accel_long, load.accel_lat) * load.speed_mps * seconds
        leans = LEANS * load.accel_lat
        squats = SQUATS * load.accel_long
        shares = (
            1 - leans - squats,
            1 + leans - squats,
            1 - leans + squats,
            1 + leans + squats,
        )
        cooling = seconds / TYRE_COOLS_S
        for wheel, share in enumerate(shares):
            work = sliding * share
            self.tyre_c[wheel] += TYRE_HEAT * work - (self.tyre_c[wheel] - AIR_C) * cooling
            self.wear[wheel] = min(self.wear[wheel] + TYRE_WEAR * work, 1.0)
