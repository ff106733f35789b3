"""The instruments of a car: every channel at one instant."""

import math
import random
from typing import Final

from msgspec import Struct

from producers.sources.channel_order import Layout, corners, named
from producers.sources.sim.car import GRAVITY, TABLE_PER_MPS, gearbox
from producers.sources.sim.condition import AIR_C, ROAD_C, Condition, Load
from producers.sources.sim.hindrances import flags_at, gap_ahead_s
from producers.sources.sim.lap import Lap, in_pit_lane

CLOCK: Final = named(
    "session_time lap_number lap_time last_lap_time best_lap_time lap_delta_best lap_distance "
    "lap_fraction sector lap_valid"
)
DIALS: Final = (
    *named(
        "throttle brake clutch steering_angle gear brake_bias engine_rpm engine_rpm_max "
        "engine_torque engine_coolant_temp engine_oil_temp engine_oil_pressure fuel_level "
        "fuel_use_rate speed velocity_x velocity_y velocity_z accel_lat accel_long accel_vert yaw "
        "pitch roll yaw_rate world_x world_y world_z"
    ),
    *corners("wheel_speed", "tyre_pressure"),
    *corners("tyre_temp_inner", "tyre_temp_middle", "tyre_temp_outer"),
    *corners("tyre_wear", "brake_temp", "susp_travel", "slip_ratio"),
)
SWITCHES: Final = named(
    "abs_active tc_active tc_level abs_level pit_limiter in_pit_lane flags air_temp track_temp "
    "gap_ahead"
)
LAYOUT: Final = Layout((*CLOCK, *DIALS, *SWITCHES))
GEAR: Final = DIALS.index("gear")
SPEED: Final = DIALS.index("speed")
YAW: Final = DIALS.index("yaw")

FULL_BRAKE_MPS2: Final = 21.0
COLD_PA: Final = 142_000.0
KELVIN: Final = 273.15

# Effects of one m/s²: on the body in rad, a spring in m, a tyre's slip, a tyre's shoulder in °C.
PITCHES: Final = 0.0016
ROLLS: Final = 0.0024
DIVES_M: Final = 0.0009
LEANS_M: Final = 0.0011
BRAKE_SLIP: Final = 0.0048
DRIVE_SLIP: Final = 0.0075
SHOULDER_C: Final = 0.45

PRESSED: Final = 0.5
"""Throttle of a driver who opens it too early."""

SLIDES_PER_MPS2: Final = 0.0021
RIDES_M: Final = 0.022
SINKS_PER_SQUARE_M: Final = 2.6e-6
SHAKES: Final = 9.0
ROUGH_M: Final = 0.0012
ROUGHNESS: Final = 4096
"""Nodes after which the unevenness of the road repeats."""


class Reading(Struct, frozen=True, gc=False):
    """Hold the values at a node; `dials` move evenly to the next node, `switches` jump."""

    dials: tuple[float, ...]
    switches: tuple[float, ...]


class Instant(Struct, frozen=True, gc=False):
    """Hold the motion of the car at a node; `push_n` is the engine's force at the wheels."""

    speed: float
    accel_long: float
    accel_lat: float
    push_n: float
    braking_n: float
    throttle: float
    gear: int
    rpm: float


class Instruments:
    """Read the instruments of one car on one lap; below 3 m/s the clutch is pressed."""

    def __init__(self, lap: Lap, condition: Condition) -> None:
        self._lap = lap
        self._condition = condition
        self._car = lap.task.car
        self._track = lap.task.track
        self._box = gearbox(self._car)
        self._road = _roughness(self._track.name)
        self._throttle = 0.0

    def instant(self, node: int) -> Instant:
        """Return the motion of the car at a node; call it in order of nodes."""
        lap, car, last = self._lap, self._car, self._track.nodes
        squares, square, gear = lap.squares, lap.squares[node], lap.gears[node]
        before, after = max(node - 1, lap.task.first), min(node + 1, last)
        speed = math.sqrt(square)
        way_m = (after - before) * self._track.step_m * lap.line.stretch[node]
        accel_long = (squares[after] - squares[before]) / (2 * way_m) if square > 0 else 0.0
        mass_kg = self._condition.mass_kg
        resistance = car.drag * square + mass_kg * car.rolling_mps2
        force_n = mass_kg * (accel_long + GRAVITY * self._track.slope[node]) + resistance
        if square == 0:
            force_n = -0.4 * mass_kg * FULL_BRAKE_MPS2
        full_n = self._box.force_n[gear - 1][int(speed * TABLE_PER_MPS)]
        throttle = min(max(force_n / full_n, 0.0), 1.0) if full_n > 0 else 0.0
        shifts = node >= 3 and gear > lap.gears[node - 3]
        if shifts and throttle > 0:
            throttle = max(throttle, self._throttle)
        self._throttle = throttle
        if any(press.first <= node <= press.last for press in lap.presses):
            throttle = max(throttle, PRESSED)
        sliding = any(slide.first <= node <= slide.last for slide in lap.slides)
        engine_n = mass_kg * car.engine_braking_mps2
        return Instant(
            speed=speed,
            accel_long=accel_long,
            accel_lat=square * lap.line.curvature[node],
            push_n=max(force_n, 0.0),
            braking_n=0.0 if sliding else max(-force_n - engine_n, 0.0),
            throttle=throttle,
            gear=gear,
            rpm=max(speed * car.rpm_per_mps[gear - 1], car.idle_rpm),
        )

    def load(self, instant: Instant) -> Load:
        """Return the load on the car."""
        power_w = instant.push_n * instant.speed / self._car.efficiency
        accel = instant.accel_long, instant.accel_lat
        return Load(instant.speed, *accel, power_w, instant.braking_n)

    def read(self, node: int, instant: Instant) -> Reading:
        """Return the values at a node."""
        return Reading(
            (*self._cockpit(instant), *self._motion(node, instant), *self._wheels(node, instant)),
            self._switches(node, instant),
        )

    def _cockpit(self, now: Instant) -> tuple[float, ...]:
        car, condition = self._car, self._condition
        curvature = now.accel_lat / (now.speed * now.speed) if now.speed > 1 else 0.0
        steered = car.wheelbase_m * curvature + car.understeer * now.accel_lat
        return (
            now.throttle,
            min(now.braking_n / (condition.mass_kg * FULL_BRAKE_MPS2), 1.0),
            1.0 if now.speed < 3 else 0.0,
            car.steering_ratio * steered,
            now.gear,
            car.front_bias,
            now.rpm,
            car.limit_rpm,
            now.throttle * car.torque_nm(now.rpm),
            condition.coolant_c,
            condition.oil_c,
            420_000 + 22 * now.rpm - 1500 * (condition.oil_c - 95),
            condition.fuel_l,
            condition.fuel_l_per_h,
            now.speed,
        )

    def _motion(self, node: int, now: Instant) -> tuple[float, ...]:
        lap, track = self._lap, self._track
        pose, slope = track.poses[node], track.slope[node]
        slides, next_slides = self._slides(node), self._slides(min(node + 1, track.nodes))
        turns = (next_slides - slides) / (track.step_m * lap.line.stretch[node])
        course = pose.heading + lap.line.turn[node]
        offset_m = lap.line.offset_m[node]
        bump = self._road[node % ROUGHNESS] - self._road[(node + 1) % ROUGHNESS]
        return (
            now.speed * math.cos(slides),
            now.speed * math.sin(slides),
            now.speed * slope,
            now.accel_lat,
            now.accel_long,
            bump * SHAKES * now.speed,
            course - slides,
            -slope - PITCHES * now.accel_long,
            ROLLS * now.accel_lat,
            now.speed * (lap.line.curvature[node] - turns),
            pose.x_m - offset_m * math.sin(pose.heading),
            pose.y_m + offset_m * math.cos(pose.heading),
            track.height_m[node],
        )

    def _slides(self, node: int) -> float:
        """Return the sideslip angle in rad, from heading to direction of travel, left positive."""
        curvature = self._lap.line.curvature[node]
        square = self._lap.squares[node]
        usual = curvature * (self._car.to_rear_axle_m - SLIDES_PER_MPS2 * square)
        # The nose turns further into the corner than the car travels.
        return usual - sum(slide.at(node) for slide in self._lap.slides)

    def _wheels(self, node: int, now: Instant) -> tuple[float, ...]:
        condition = self._condition
        leans = LEANS_M * now.accel_lat
        dives = -DIVES_M * now.accel_long
        sinks = RIDES_M + SINKS_PER_SQUARE_M * now.speed * now.speed
        left, right = self._road[node % ROUGHNESS], self._road[(node + 977) % ROUGHNESS]
        slip = self._slip(now)
        spread = now.accel_lat / now.speed * self._car.track_width_m / 2 if now.speed > 1 else 0.0
        slow, fast = now.speed - spread, now.speed + spread
        front, rear = 1 + slip[0], 1 + slip[2]
        return (
            slow * front,
            fast * front,
            slow * rear,
            fast * rear,
            *(COLD_PA * (warm + KELVIN) / (AIR_C + KELVIN) for warm in condition.tyre_c),
            *self._treads(now),
            *condition.wear,
            *condition.brake_c,
            sinks - leans + dives + left,
            sinks + leans + dives + right,
            sinks - leans - dives + left,
            sinks + leans - dives + right,
            *slip,
        )

    def _slip(self, now: Instant) -> tuple[float, float, float, float]:
        """Return the slip ratio of each tyre: positive when it turns faster than the road."""
        brakes = -BRAKE_SLIP * now.braking_n / self._condition.mass_kg
        drives = DRIVE_SLIP * now.push_n / self._condition.mass_kg
        rear = 0.8 * brakes + drives
        return brakes, brakes, rear, rear

    def _treads(self, now: Instant) -> tuple[float, ...]:
        """Return °C of inner, middle and outer treads; cornering heats outer shoulders."""
        warm = self._condition.tyre_c
        left = SHOULDER_C * max(-now.accel_lat, 0.0)
        right = SHOULDER_C * max(now.accel_lat, 0.0)
        fl, fr, rl, rr = warm
        return (
            fl + 7 - left / 2,
            fr + 7 - right / 2,
            rl + 5 - left / 2,
            rr + 5 - right / 2,
            *(core + 1 for core in warm),
            fl - 6 + left,
            fr - 6 + right,
            rl - 4 + left,
            rr - 4 + right,
        )

    def _switches(self, node: int, now: Instant) -> tuple[float, ...]:
        car, task = self._car, self._lap.task
        lane = in_pit_lane(task, node)
        grip = car.grip * task.grip * (GRAVITY + car.downforce * now.speed**2 / task.mass_kg)
        locks = now.braking_n / task.mass_kg > 0.9 * grip
        spins = now.throttle > 0.1 and now.gear <= 3 and now.push_n > 0.6 * task.mass_kg * grip
        limited = lane and now.speed <= task.track.pit.limit_mps + 0.1
        at_m = node * task.track.step_m
        flags, gap_s = flags_at(task.hindrances, at_m), gap_ahead_s(task.hindrances, at_m)
        pit = float(limited), float(lane)
        return float(locks), float(spins), 4.0, 3.0, *pit, flags, AIR_C, ROAD_C, gap_s


def _roughness(name: str) -> tuple[float, ...]:
    chance = random.Random(name)
    return tuple(chance.uniform(-ROUGH_M, ROUGH_M) for _ in range(ROUGHNESS))
