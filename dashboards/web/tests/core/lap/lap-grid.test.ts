import { expect, test } from "vitest";
import { TRACED } from "../../../src/core/samples/channels";
import { DrivenLap, secondsInto } from "../../../src/core/lap/driven-lap";
import { LapGrid } from "../../../src/core/lap/lap-grid";
import { Ring } from "../../../src/core/samples/ring";

const LENGTH = 600;

function driven(grid: LapGrid, from: number, to: number, speed = 10): void {
  for (let x = from; x <= to; x += 1) grid.add(x, (x / speed) * 1000, x / speed, [x]);
}

test("values stand on even steps, seconds too", () => {
  const grid = new LapGrid(LENGTH, 1);
  driven(grid, 0, 100.5);
  expect(grid.head).toBe(100);
  expect(grid.columns[0][50]).toBeCloseTo(50);
  expect(grid.secondsAt(50.5)).toBeCloseTo(5.05);
  expect(grid.columns[0][101]).toBeNull();
});

test("nothing is drawn over a hole", () => {
  const grid = new LapGrid(LENGTH, 1);
  driven(grid, 0, 100);
  driven(grid, 300, 400);
  expect(grid.columns[0][200]).toBeNull();
  expect(grid.columns[0][350]).toBeCloseTo(350);
  expect(grid.holes).toEqual([[100, 300]]);
});

test("a flashback takes back what was drawn ahead of it", () => {
  const grid = new LapGrid(LENGTH, 1);
  driven(grid, 0, 400);
  grid.add(200, 50_000, 20, [200]);
  expect(grid.head).toBe(200);
  expect(grid.columns[0][300]).toBeNull();
});

test("a gear holds until the next one", () => {
  const grid = new LapGrid(LENGTH, 1, new Set([0]));
  grid.add(0, 0, 0, [3]);
  grid.add(10, 100, 1, [4]);
  expect(grid.columns[0].slice(0, 11).every((gear) => gear === 3)).toBe(true);
});

test("the sim's seconds count unless it has not restarted them at the line", () => {
  expect(secondsInto(12.5, 12.6)).toBe(12.5);
  expect(secondsInto(92.5, 0.1)).toBe(0.1);
  expect(secondsInto(NaN, 3)).toBe(3);
});

const CHANNELS = [...TRACED, "lap_number", "lap_distance", "lap_time"];

function laps(ring: Ring, from: number, to: number): void {
  const row = (t: number) => {
    const into = (t % 10_000) / 1000;
    const values: Record<string, number> = {
      lap_number: Math.floor(t / 10_000),
      lap_distance: into * 60,
      lap_time: into,
      speed: 60,
    };
    return CHANNELS.map((channel) => values[channel] ?? 0);
  };
  const times = Array.from({ length: (to - from) / 20 }, (_, i) => from + 20 * i);
  ring.addRows(Float64Array.from(times), CHANNELS, Float32Array.from(times.flatMap(row)));
}

test("a lap begins where its number changes, at the moment the line was crossed", () => {
  const ring = new Ring(CHANNELS, 4000);
  laps(ring, 5000, 15_000);
  const lap = new DrivenLap({ kind: "distance", length: LENGTH });
  lap.advance(ring, 14_000, () => null);
  expect(lap.number).toBe(1);
  expect(lap.startedMs).toBeCloseTo(10_000);
  expect(lap.grid.position).toBeCloseTo(240);
});

test("time goes on in small steps to the same lap as at once", () => {
  const ring = new Ring(CHANNELS, 4000);
  laps(ring, 0, 15_000);
  const once = new DrivenLap({ kind: "distance", length: LENGTH });
  once.advance(ring, 14_000, () => null);
  const often = new DrivenLap({ kind: "distance", length: LENGTH });
  for (let t = 0; t <= 14_000; t += 16) often.advance(ring, t, () => null);
  expect(often.grid.columns).toEqual(once.grid.columns);
});

test("samples that come late appear in the lap", () => {
  const ring = new Ring(CHANNELS, 4000);
  laps(ring, 9000, 11_000);
  laps(ring, 13_000, 14_000);
  const lap = new DrivenLap({ kind: "distance", length: LENGTH });
  lap.advance(ring, 14_000, () => null);
  expect(lap.grid.holes).toHaveLength(1);
  laps(ring, 11_000, 13_000);
  lap.advance(ring, 14_000, () => null);
  expect(lap.grid.holes).toHaveLength(0);
  expect(lap.grid.columns[0][120]).toBeCloseTo(60);
});

test("a page that joins within a lap asks when it began", () => {
  const ring = new Ring(CHANNELS, 4000);
  laps(ring, 12_000, 14_000);
  const lap = new DrivenLap({ kind: "distance", length: LENGTH });
  lap.advance(ring, 13_900, (at) => (at >= 10_000 ? 10_000 : null));
  expect(lap.startedMs).toBe(10_000);
});
