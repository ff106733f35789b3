"""Real packets of the F1 games decode correctly, wheel order, axes and signs included."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from producers.importers.recording import open_recording
from producers.source import Began, Frame, Observation
from producers.sources import f1
from producers.sources.f1 import layouts
from producers.sources.f1.header import read_header
from producers.sources.f1.record import WHEELS, Record
from schemas.channels import CHANNELS
from schemas.sim import CarsSeen, Finished, LapReported, RaceDescribed, SessionOpened

CATALUNYA = "f1/f1-25_format2025_time-trial_catalunya.pcap.gz"
MELBOURNE = "f1/f1-25_format2026_race_melbourne.pcap.gz"
SINGLE = "f1/f1_format{}_one-packet-per-type.jsonl"
CORNERS = ("fl", "fr", "rl", "rr")

Column = NDArray[np.float64]


class Drive:
    """A recording as columns, one row for each complete frame of the car."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            pytest.skip(f"needs the recording {path.name} in PITBOX_DATA")
        self.observations: list[Observation] = list(open_recording(path))
        [self.began] = [item for item in self.observations if isinstance(item, Began)]
        self.opened = [item for item in self.observations if isinstance(item, SessionOpened)][-1]
        self.laps = [item for item in self.observations if isinstance(item, LapReported)]
        rows = np.array([item.values for item in self.observations if isinstance(item, Frame)])
        self.frames = len(rows)
        names = [CHANNELS[channel].name for channel in self.began.channels]
        whole = np.isfinite(rows[:, [names.index("lap_distance"), names.index("yaw_rate")]]).all(1)
        self.columns = dict(zip(names, rows[whole].T, strict=True))

    def __getitem__(self, name: str) -> Column:
        column: Column = self.columns[name]
        return column

    def moving(self) -> NDArray[np.bool_]:
        """Return a mask of the frames in which the car moves and time advances evenly."""
        step_s = np.diff(self["session_time"], prepend=0)
        return (self["speed"] > 10) & (step_s > 0.005) & (step_s < 0.1)


@pytest.fixture(scope="module")
def catalunya(data_dir: Path) -> Drive:
    return Drive(data_dir / CATALUNYA)


@pytest.fixture(scope="module")
def melbourne(data_dir: Path) -> Drive:
    return Drive(data_dir / MELBOURNE)


@pytest.fixture(scope="module", params=[CATALUNYA, MELBOURNE], ids=["catalunya", "melbourne"])
def drive(request: pytest.FixtureRequest, data_dir: Path) -> Drive:
    return Drive(data_dir / request.param)


def test_the_time_trial_and_its_best_lap_are_decoded(catalunya: Drive) -> None:
    opened = catalunya.opened
    assert (opened.kind, opened.track, opened.track_length_m) == ("time_trial", "Catalunya", 4664)
    assert (opened.car, opened.car_model, opened.sectors) == ("0", "Ferrari", 3)
    assert opened.source_version == "F1 25 1.02, format 2025"
    best = min(catalunya.laps, key=lambda lap: lap.lap_time_s)
    assert (best.lap_number, best.lap_time_s, best.own, best.valid) == (2, 74.142, True, True)
    assert best.sectors_s == (21.948, 30.210, 21.984)
    assert [lap.lap_time_s for lap in catalunya.laps] == [74.859, 74.142]


def test_menu_and_button_packets_are_ignored(catalunya: Drive) -> None:
    known = Frame | LapReported | RaceDescribed
    others = [item for item in catalunya.observations if not isinstance(item, known)]
    assert [type(item) for item in others] == [Began, SessionOpened, SessionOpened, Finished]
    assert catalunya.frames == 1000


def test_the_race_and_the_first_laps_of_the_others_are_decoded(melbourne: Drive) -> None:
    opened = melbourne.opened
    assert (opened.kind, opened.track, opened.track_length_m) == ("race", "Melbourne", 5276)
    assert (opened.car, opened.car_model) == ("21", "McLaren '26")
    assert not any(lap.own for lap in melbourne.laps)
    times_s = {lap.car: lap.lap_time_s for lap in melbourne.laps if lap.lap_number == 1}
    assert len(times_s) == len(melbourne.laps) == 20
    assert (min(times_s.values()), max(times_s.values())) == (85.636, 99.558)
    assert times_s["13"] == 85.636
    for lap in melbourne.laps:
        assert sum(lap.sectors_s) == pytest.approx(lap.lap_time_s, abs=0.003)


def test_the_cars_of_the_race_agree_with_the_packets_and_with_each_other(melbourne: Drive) -> None:
    seen = [item for item in melbourne.observations if isinstance(item, CarsSeen)]
    # A race is known as one from its first session packet on, which comes twice a second.
    assert len(seen) == pytest.approx(5 * np.ptp(melbourne["session_time"]), abs=4)
    in_order = 0
    for at_once in seen:
        assert at_once.own == "21"
        assert len(at_once.cars) == 22
        ordered = sorted(at_once.cars, key=lambda car: car.position or 0)
        assert [car.position for car in ordered] == list(range(1, 23))
        driven = [(car.lap or 0, car.distance_dm or 0) for car in ordered]
        in_order += driven == sorted(driven, reverse=True)
    # The game brings positions up to date some instants after an overtaking.
    assert in_order > 0.8 * len(seen)
    own = {at_once.at_ns: next(c for c in at_once.cars if c.car == "21") for at_once in seen}
    names = [CHANNELS[channel].name for channel in melbourne.began.channels]
    compared = 0
    for item in melbourne.observations:
        if isinstance(item, Frame) and item.captured_ns in own:
            frame, car = dict(zip(names, item.values, strict=True)), own[item.captured_ns]
            for name, value in (
                ("world_x", car.x_dm), ("world_y", car.y_dm), ("lap_distance", car.distance_dm)
            ):  # fmt: skip
                assert value is not None
                assert value / 10 == pytest.approx(frame[name], abs=0.06), name
            assert (frame["lap_number"], frame["position"]) == (car.lap, car.position)
            compared += 1
    assert compared == len(seen)


def test_gaps_are_the_time_since_the_leader_was_at_the_same_place(melbourne: Drive) -> None:
    seen = [item for item in melbourne.observations if isinstance(item, CarsSeen)]
    length_dm = 10 * (melbourne.opened.track_length_m or 0)
    tracks: dict[str, list[tuple[float, float, int]]] = {}
    for at_once in seen:
        for car in at_once.cars:
            place_dm = (car.lap or 0) * length_dm + (car.distance_dm or 0)
            clock_s = at_once.session_time_s or 0.0
            tracks.setdefault(car.car, []).append((place_dm, clock_s, car.gap_ms or 0))
    leader = np.array(tracks["13"])
    off_s = [
        abs(clock_s - np.interp(place_dm, leader[:, 0], leader[:, 1]) - gap_ms / 1000)
        for track in tracks.values()
        for place_dm, clock_s, gap_ms in track
        if place_dm > leader[0, 0]
    ]
    assert len(off_s) > 1000
    assert np.median(off_s) < 0.05
    assert np.percentile(off_s, 99) < 0.3


def test_the_best_laps_of_the_cars_are_those_of_the_histories(melbourne: Drive) -> None:
    last = [item for item in melbourne.observations if isinstance(item, CarsSeen)][-1]
    best = {car.car: (car.best_ms or 0) / 1000 for car in last.cars if car.best_ms}
    times_s = {lap.car: lap.lap_time_s for lap in melbourne.laps if lap.lap_number == 1}
    assert best.items() <= times_s.items()
    assert len(best) >= 18


def test_the_race_is_described_with_its_cars_laps_and_weather(melbourne: Drive) -> None:
    race = [item for item in melbourne.observations if isinstance(item, RaceDescribed)][-1]
    assert len(race.entries) == 22
    assert len({entry.number for entry in race.entries}) == 22
    assert race.entries[21].model == "McLaren '26"
    assert race.laps is not None
    assert race.weather in {"clear", "light cloud", "overcast"}


def test_the_yaw_changes_at_the_yaw_rate_and_in_the_same_direction(drive: Drive) -> None:
    moves = drive.moving()
    turning = np.gradient(np.unwrap(drive["yaw"][moves]), drive["session_time"][moves])
    assert np.corrcoef(turning, drive["yaw_rate"][moves])[0, 1] > 0.95


def test_the_car_moves_in_its_heading_and_at_its_speed(drive: Drive) -> None:
    moves = drive.moving()
    clock = drive["session_time"][moves]
    east = np.gradient(drive["world_x"][moves], clock)
    north = np.gradient(drive["world_y"][moves], clock)
    slides = np.arctan2(drive["velocity_y"], drive["velocity_x"])[moves]
    off = np.angle(np.exp(1j * (np.arctan2(north, east) - drive["yaw"][moves] - slides)))
    assert np.median(np.abs(off)) < 0.005
    steadily = moves[1:] & moves[:-1]
    way_m = np.hypot(np.diff(drive["world_x"]), np.diff(drive["world_y"]))[steadily].sum()
    rolled_m = (drive["speed"][1:] * np.diff(drive["session_time"]))[steadily].sum()
    assert way_m == pytest.approx(rolled_m, rel=0.01)
    ahead = np.hypot(drive["velocity_x"], drive["velocity_y"])[moves]
    assert np.abs(ahead - drive["speed"][moves]).max() < 2


def test_left_is_left_in_every_channel(drive: Drive) -> None:
    moves = drive.moving()
    left = (drive["yaw_rate"] * drive["speed"])[moves]
    assert np.corrcoef(drive["accel_lat"][moves], left)[0, 1] > 0.9
    assert np.polyfit(left, drive["accel_lat"][moves], 1)[0] == pytest.approx(1, abs=0.1)
    assert np.corrcoef(drive["steering_angle"][moves], drive["yaw_rate"][moves])[0, 1] > 0.8
    for axle in ("f", "r"):
        deeper = (drive[f"susp_travel_{axle}r"] - drive[f"susp_travel_{axle}l"])[moves]
        assert np.corrcoef(deeper, left)[0, 1] > 0.6
    faster = (drive["wheel_speed_fr"] - drive["wheel_speed_fl"])[moves]
    assert np.corrcoef(faster, drive["yaw_rate"][moves])[0, 1] > 0.7


def test_front_and_rear_wheels_are_not_swapped(drive: Drive) -> None:
    moves = drive.moving() & (drive["throttle"] > 0.9)
    for corner in CORNERS:
        rolled = np.median(drive[f"wheel_speed_{corner}"][moves] / drive["speed"][moves])
        assert rolled == pytest.approx(1.0 if corner[0] == "f" else 1.04, abs=0.02)
    assert (drive["tyre_pressure_fl"] > drive["tyre_pressure_rl"]).all()
    assert 140e3 < drive["tyre_pressure_rr"].min() < drive["tyre_pressure_fr"].max() < 175e3


def test_the_longitudinal_acceleration_is_positive_when_speed_rises(melbourne: Drive) -> None:
    clock, speed = melbourne["session_time"], melbourne["speed"]
    pushed = (speed[20:] - speed[:-20]) / (clock[20:] - clock[:-20])
    felt = np.convolve(melbourne["accel_long"], np.ones(21) / 21, "valid")[: len(pushed)]
    assert np.corrcoef(felt, pushed)[0, 1] > 0.95
    assert np.polyfit(pushed, felt, 1)[0] == pytest.approx(1, abs=0.1)


def test_the_nose_rises_where_the_road_does(catalunya: Drive) -> None:
    moves = catalunya.moving()
    climb = np.gradient(catalunya["world_z"][moves], catalunya["session_time"][moves])
    assert np.corrcoef(catalunya["pitch"][moves], climb / catalunya["speed"][moves])[0, 1] < -0.9


def test_distance_is_negative_before_the_line(catalunya: Drive) -> None:
    moves = catalunya.moving()
    assert catalunya["lap_distance"][moves].max() < 0
    driven = np.diff(catalunya["lap_distance"][moves]).sum()
    rolled = (catalunya["speed"] * np.diff(catalunya["session_time"], prepend=0))[moves][1:].sum()
    assert driven == pytest.approx(rolled, rel=0.05)


def test_fuel_falls_and_tyres_wear(melbourne: Drive) -> None:
    fuel = melbourne["fuel_mass"]
    assert fuel[0] == pytest.approx(6.503, abs=0.001)
    assert (np.diff(fuel) <= 0).all()
    assert 0.1 < fuel[0] - fuel[-1] < 0.3
    for corner in CORNERS:
        worn = melbourne[f"tyre_wear_{corner}"]
        assert 0.01 < worn[0] <= worn[-1] < 0.05


def test_speeds_match_those_the_game_shows(catalunya: Drive, melbourne: Drive) -> None:
    assert math.floor(catalunya["speed"].max() * 3.6) == 297
    assert math.floor(melbourne["speed"].max() * 3.6) == 236
    assert set(melbourne["gear"]) <= {0, 1, 2, 3, 4, 5, 6}


NATIVE: Mapping[int, tuple[str, Mapping[str, str]]] = {
    layouts.MOTION: (
        "m_carMotionData",
        {
            "x": "m_worldPositionX", "y": "m_worldPositionY", "z": "m_worldPositionZ",
            "velocity_x": "m_worldVelocityX", "velocity_y": "m_worldVelocityY",
            "velocity_z": "m_worldVelocityZ", "forward_x": "m_worldForwardDirX",
            "forward_y": "m_worldForwardDirY", "forward_z": "m_worldForwardDirZ",
            "right_x": "m_worldRightDirX", "right_y": "m_worldRightDirY",
            "right_z": "m_worldRightDirZ", "lateral_g": "m_gForceLateral",
            "longitudinal_g": "m_gForceLongitudinal", "vertical_g": "m_gForceVertical",
            "yaw": "m_yaw", "pitch": "m_pitch", "roll": "m_roll",
            "suspension": "m_suspensionPosition", "wheel_speed": "m_wheelSpeed",
            "slip_ratio": "m_wheelSlip", "local_x": "m_localVelocityX",
            "local_y": "m_localVelocityY", "local_z": "m_localVelocityZ",
            "turning_x": "m_angularVelocityX", "turning_y": "m_angularVelocityY",
            "turning_z": "m_angularVelocityZ", "front_wheels_angle": "m_frontWheelsAngle",
        },
    ),
    layouts.SESSION: (
        "",
        {
            "weather": "m_weather", "track_temp": "m_trackTemperature",
            "air_temp": "m_airTemperature", "total_laps": "m_totalLaps",
            "track_length": "m_trackLength", "session_type": "m_sessionType",
            "track": "m_trackId", "formula": "m_formula", "time_left": "m_sessionTimeLeft",
            "duration": "m_sessionDuration", "pit_limit": "m_pitSpeedLimit",
            "paused": "m_gamePaused", "spectating": "m_isSpectating",
            "spectated": "m_spectatorCarIndex", "zones": "m_numMarshalZones",
            "safety_car": "m_safetyCarStatus", "begins": "m_zoneStart", "flag": "m_zoneFlag",
        },
    ),
    layouts.LAP: (
        "m_lapData",
        {
            "last_lap_s": "m_lastLapTime", "lap_s": "m_currentLapTime",
            "best_lap_s": "m_bestLapTime", "sector1_s": "m_sector1Time",
            "sector2_s": "m_sector2Time", "last_lap_ms": "m_lastLapTimeInMS",
            "lap_ms": "m_currentLapTimeInMS", "sector1_ms": "m_sector1TimeInMS",
            "sector1_min": "m_sector1TimeMinutes", "sector2_ms": "m_sector2TimeInMS",
            "sector2_min": "m_sector2TimeMinutes", "distance": "m_lapDistance",
            "position": "m_carPosition", "lap": "m_currentLapNum", "pit_status": "m_pitStatus",
            "sector": "m_sector", "invalid": "m_currentLapInvalid",
            "driver_status": "m_driverStatus", "result_status": "m_resultStatus",
            "ahead_ms": "m_deltaToCarInFrontInMS", "leader_ms": "m_deltaToRaceLeaderInMS",
        },
    ),
    layouts.PARTICIPANTS: (
        "m_participants",
        {
            "ai": "m_aiControlled", "team": "m_teamId", "my_team": "m_myTeam",
            "number": "m_raceNumber", "name": "m_name", "named": "m_showOnlineNames",
        },
    ),
    layouts.TELEMETRY: (
        "m_carTelemetryData",
        {
            "speed_kmh": "m_speed", "throttle": "m_throttle", "steer": "m_steer",
            "brake": "m_brake", "throttle_pct": "m_throttle", "steer_pct": "m_steer",
            "brake_pct": "m_brake", "clutch": "m_clutch", "gear": "m_gear",
            "rpm": "m_engineRPM", "drs": "m_drs", "brake_temp": "m_brakesTemperature",
            "surface_temp": "m_tyresSurfaceTemperature", "core_temp": "m_tyresInnerTemperature",
            "engine_temp": "m_engineTemperature", "pressure_psi": "m_tyresPressure",
            "surface": "m_surfaceType",
        },
    ),
    layouts.STATUS: (
        "m_carStatusData",
        {
            "traction_control": "m_tractionControl", "abs": "m_antiLockBrakes",
            "brake_bias": "m_frontBrakeBias", "pit_limiter": "m_pitLimiterStatus",
            "fuel": "m_fuelInTank", "fuel_capacity": "m_fuelCapacity", "max_rpm": "m_maxRPM",
            "wear_pct": "m_tyresWear", "ers_energy": "m_ersStoreEnergy",
            "ers_mode": "m_ersDeployMode", "tyre": "m_visualTyreCompound",
            "tyre_laps": "m_tyresAgeLaps", "flag": "m_vehicleFiaFlags",
        },
    ),
    layouts.DAMAGE: ("m_carDamageData", {"wear_pct": "m_tyresWear"}),
    layouts.HISTORY: (
        "m_lapHistoryData",
        {
            "car": "m_carIdx", "laps": "m_numLaps", "best_lap": "m_bestLapTimeLapNum",
            "lap_ms": "m_lapTimeInMS", "sector1_ms": "m_sector1TimeInMS",
            "sector1_min": "m_sector1TimeMinutes", "sector2_ms": "m_sector2TimeInMS",
            "sector2_min": "m_sector2TimeMinutes", "sector3_ms": "m_sector3TimeInMS",
            "sector3_min": "m_sector3TimeMinutes", "valid": "m_lapValidBitFlags",
        },
    ),
    layouts.MOTION_EX: (
        "",
        {
            "suspension": "m_suspensionPosition", "wheel_speed": "m_wheelSpeed",
            "slip_ratio": "m_wheelSlipRatio", "local_x": "m_localVelocityX",
            "local_y": "m_localVelocityY", "local_z": "m_localVelocityZ",
            "turning_x": "m_angularVelocityX", "turning_y": "m_angularVelocityY",
            "turning_z": "m_angularVelocityZ", "front_wheels_angle": "m_frontWheelsAngle",
        },
    ),
}  # fmt: skip
"""What the reference decoder calls its list of items, and each number that is read here."""


def packets(path: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Yield real packets with their reference decode."""
    if not path.exists():
        pytest.skip(f"needs the recording {path.name} in PITBOX_DATA")
    for line in path.read_text().splitlines():
        known = json.loads(line)
        message = known["message"]
        yield bytes(message["data"] if isinstance(message, dict) else message), known["parsed"]


def compare(
    record: Record, packet: bytes, start: int, reference: Mapping[str, Any], kind: int
) -> int:
    """Compare the numbers of a record with the reference; return how many there are."""
    names = NATIVE[kind][1]
    for name, value in record.read(packet, start).items():
        stem, _, wheel = name.rpartition("_")
        if wheel in WHEELS:
            expected = reference[names[stem]][WHEELS.index(wheel)]
        elif name == "formula" and "m_era" in reference:
            expected = reference["m_era"]
        elif zone := re.match(r"zone(\d+)_(\w+)", name):
            zones = reference["m_marshalZones"]
            place = int(zone[1])
            expected = zones[place][names[zone[2]]] if place < len(zones) else value
        elif name == "tyre" and "m_tyreCompound" in reference:
            expected = reference["m_tyreCompound"]
        elif name == "name":
            value, expected = value.split(b"\0")[0].decode(), reference[names[name]]
        elif name == "cars":
            expected = reference.get("m_numCars", reference.get("m_numActiveCars"))
        else:
            expected = reference[names[name]]
        known = expected if isinstance(expected, str) else pytest.approx(expected, rel=1e-6)
        assert value == known, name
    return len(record.names)


@pytest.mark.parametrize("packet_format", [2018, 2020, 2022, 2023])
def test_every_number_matches_the_reference_decode(data_dir: Path, packet_format: int) -> None:
    compared: dict[int, int] = {}
    for packet, reference in packets(data_dir / SINGLE.format(packet_format)):
        header = read_header(packet)
        assert header is not None
        expected_header = reference["m_header"]
        assert (header.format, header.packet) == (packet_format, expected_header["m_packetId"])
        assert (str(header.session), header.frame) == (
            expected_header["m_sessionUID"],
            expected_header["m_frameIdentifier"],
        )
        assert header.time_s == pytest.approx(expected_header["m_sessionTime"])
        assert header.player == expected_header["m_playerCarIndex"]
        layout = header.layout
        if layout is None or header.packet == layouts.EVENT:
            continue
        count = compare(layout.head, packet, layout.head_at, reference, header.packet)
        count += compare(layout.tail, packet, layout.tail_at, reference, header.packet)
        for index, item in enumerate(reference.get(NATIVE[header.packet][0], ())):
            count += compare(layout.item, packet, layout.item_at(index), item, header.packet)
        compared[header.packet] = count
    expected = {kind for year, kind in layouts.LAYOUTS if year == packet_format}
    assert set(compared) == expected - {layouts.EVENT}
    assert all(count > 0 for count in compared.values())


@pytest.mark.parametrize("packet_format", [2018, 2020, 2022, 2023])
def test_single_packets_are_decoded_without_an_error(data_dir: Path, packet_format: int) -> None:
    decoder = f1.decoder()
    observations: list[Observation] = []
    for packet, _ in packets(data_dir / SINGLE.format(packet_format)):
        assert decoder.recognises(packet)
        observations += decoder.feed(packet, len(observations))
    assert any(isinstance(item, Began) for item in observations)
    for item in observations:
        if isinstance(item, Frame):
            assert not any(math.isinf(value) for value in item.values)


def test_the_laps_of_a_real_history_are_decoded(data_dir: Path) -> None:
    decoder = f1.decoder()
    observations = [
        item
        for packet, _ in packets(data_dir / SINGLE.format(2022))
        for item in decoder.feed(packet, 0)
    ]
    laps = {lap.lap_number: lap for lap in observations if isinstance(lap, LapReported) and lap.own}
    assert (laps[1].lap_time_s, laps[2].lap_time_s) == (96.727, 92.035)
    assert laps[1].sectors_s == (37.941, 29.911, 28.873)
    assert laps[1].car == "19"
