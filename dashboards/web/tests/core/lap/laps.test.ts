import { expect, test } from "vitest";
import {
  begunMs,
  bestLap,
  fuelPerLap,
  lapNumberAt,
  lastLap,
  referenceLap,
  remark,
  withLap,
} from "../../../src/core/lap/laps";
import type { Lap } from "../../../src/wire";
import { lap } from "../../fakes/laps";

test("fields that were not sent have their defaults", () => {
  expect(lap(1, 90).valid).toBe(true);
  expect(lap(1, null).sectors_s).toEqual([]);
});

test("a lap that is issued again replaces its earlier revision", () => {
  let laps = withLap(withLap([], lap(2, 91)), lap(1, 90));
  laps = withLap(laps, lap(2, 90.5, { revision: 2 }));
  expect(laps.map((one) => [one.lap_number, one.lap_time_s])).toEqual([
    [1, 90],
    [2, 90.5],
  ]);
});

test("laps of a restarted app come after the laps before, whatever their numbers", () => {
  const before = [lap(1, 90, { run: 7 }), lap(2, 91, { run: 7 })].reduce<readonly Lap[]>(
    withLap,
    [],
  );
  const after = withLap(before, lap(1, 95, { run: 8 }));
  expect(after.map((one) => one.lap_time_s)).toEqual([91, 95]);
});

test("timing's count continues where a restarted game counts anew", () => {
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
