import { expect, test } from "vitest";
import { stretched, divided } from "../../../src/draw/bands";
import { gapSeconds } from "../../../src/core/lap/gaps";
import {
  begunMs,
  bestLap,
  lapNumberAt,
  fuelPerLap,
  lastLap,
  referenceLap,
  remark,
  whole,
  withLap,
} from "../../../src/core/lap/laps";
import { fit, placed } from "../../../src/core/lap/outline";
import { Ring } from "../../../src/core/samples/ring";
import type { Lap, SentLap } from "../../../src/wire";

function lap(number: number, time: number | null, changes: Partial<Lap> = {}): Lap {
  const sent: SentLap = {
    type: "timing.lap",
    session: "s",
    driver: "MOR",
    at_ns: 0,
    car: "27",
    own: true,
    lap_number: number,
    revision: 1,
    started_ns: number * 1e11,
  };
  return { ...whole(sent), lap_time_s: time, ...changes };
}

test("what is not sent has its default", () => {
  expect(lap(1, 90).valid).toBe(true);
  expect(lap(1, null).sectors_s).toEqual([]);
});

test("a lap that is told again replaces the one before", () => {
  let laps = withLap(withLap([], lap(2, 91)), lap(1, 90));
  laps = withLap(laps, lap(2, 90.5, { revision: 2 }));
  expect(laps.map((one) => [one.lap_number, one.lap_time_s])).toEqual([
    [1, 90],
    [2, 90.5],
  ]);
});

test("laps of an app that was started again come after those before, whatever their numbers", () => {
  const before = [lap(1, 90, { run: 7 }), lap(2, 91, { run: 7 })].reduce<readonly Lap[]>(
    withLap,
    [],
  );
  const after = withLap(before, lap(1, 95, { run: 8 }));
  expect(after.map((one) => one.lap_time_s)).toEqual([91, 95]);
});

test("timing's count goes on where a game that was started again counts anew", () => {
  const laps = [
    lap(7, 90, { run: 1, started_ns: 1e12, ended_ns: 1.09e12 }),
    lap(8, null, { run: 2, started_ns: 1.2e12, ended_ns: null }),
  ];
  expect(lapNumberAt(laps, 1.05e6)).toBe(7);
  expect(lapNumberAt(laps, 1.1e6)).toBe(8);
  expect(lapNumberAt(laps, 1.25e6)).toBe(8);
  expect(lapNumberAt(laps, 0)).toBeNaN();
  expect(begunMs(laps, 1.25e6)).toBe(1.2e6);
  expect(begunMs(laps, 1.1e6)).toBeNull();
});

test("the best lap counts and the reference is whole", () => {
  const laps = [
    lap(1, 80, { out_lap: true }),
    lap(2, 85, { valid: false }),
    lap(3, 90, { complete: false }),
    lap(4, 91),
    lap(5, null),
  ];
  expect(bestLap(laps)?.lap_number).toBe(3);
  expect(referenceLap(laps)?.lap_number).toBe(4);
  expect(lastLap(laps)?.lap_number).toBe(4);
  expect(remark(laps[0])).toBe("out lap");
});

test("fuel per lap is the median of clean laps, and not known without one", () => {
  expect(fuelPerLap([lap(1, 90, { out_lap: true, fuel_used: 5 })])).toBeNaN();
  const used = [3, 3.2, 9, 3.1, 3];
  expect(fuelPerLap(used.map((fuel_used, i) => lap(i, 90, { fuel_used })))).toBe(3.1);
});

test("the gap is how long ago the car ahead was where we are", () => {
  const ring = new Ring(["lap_number", "lap_distance"], 100);
  const times = Array.from({ length: 50 }, (_, i) => i * 1000);
  const rows = times.flatMap((_, i) => [1, i * 50]);
  ring.addRows(Float64Array.from(times), ring.channels, Float32Array.from(rows));
  expect(gapSeconds(ring, 49_000, 1 + 2225 / 5000, 5000)).toBeCloseTo(4.5);
  expect(gapSeconds(ring, 49_000, 2, 5000)).toBeNaN();
});

test("a scale is stretched so that its range fills its band", () => {
  const bands = divided(
    [
      { key: "a", label: "", weight: 1 },
      { key: "b", label: "", weight: 1 },
    ],
    216,
  );
  const [low, high] = stretched(bands.get("b")!, 216, 0, 10);
  const toPx = (value: number) => ((high - value) / (high - low)) * 216;
  expect(toPx(10)).toBeCloseTo(116);
  expect(toPx(0)).toBeCloseTo(216);
});

test("a long track is turned into a tall box", () => {
  const x = Float32Array.from([0, 1000, 1000, 0]);
  const y = Float32Array.from([0, 0, 100, 100]);
  const found = fit({ x, y }, 100, 500, 10)!;
  expect(found.scale).toBeGreaterThan(0.45);
  for (let i = 0; i < 4; i += 1) {
    const [left, top] = placed(found, x[i], y[i]);
    expect(left > 9.9 && left < 90.1 && top > 9.9 && top < 490.1).toBe(true);
  }
});
