import { expect, test } from "vitest";
import { DrivenLap, secondsInto } from "../../../src/core/lap/driven-lap";
import { TRACED } from "../../../src/core/samples/channels";
import { Ring } from "../../../src/core/samples/ring";

const LENGTH = 600;

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

test("a page that joins within a lap takes its begin from timing", () => {
  const ring = new Ring(CHANNELS, 4000);
  laps(ring, 12_000, 14_000);
  const lap = new DrivenLap({ kind: "distance", length: LENGTH });
  lap.advance(ring, 13_900, (at) => (at >= 10_000 ? 10_000 : null));
  expect(lap.startedMs).toBe(10_000);
});
