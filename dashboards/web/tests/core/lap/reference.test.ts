import { expect, test } from "vitest";
import { TRACED } from "../../../src/core/samples/channels";
import { LapGrid } from "../../../src/core/lap/lap-grid";
import { outlineOf, reference } from "../../../src/core/lap/reference";
import { TraceColumns } from "../../../src/core/lap/trace-columns";
import { LAP_DEFAULTS, type Lap } from "../../../src/wire";

const LENGTH = 600;
const lap: Lap = {
  ...LAP_DEFAULTS,
  type: "timing.lap",
  session: "s",
  driver: "MOR",
  at_ns: 0,
  car: "27",
  own: true,
  lap_number: 4,
  revision: 1,
  lap_time_s: 10,
  started_ns: 5e9,
};

/** A lap at 60 m/s whose first frame still stands before the line. */
function stored() {
  const count = 501;
  const seconds = Array.from({ length: count }, (_, i) => i * 0.02);
  const columns: Record<string, number[]> = {
    speed: seconds.map(() => 60),
    throttle: seconds.map(() => 1),
    brake: seconds.map(() => 0.25),
    lap_distance: [LENGTH - 0.5, ...seconds.slice(1).map((s) => s * 60)],
    lap_time: [9.99, ...seconds.slice(1)],
    sector: seconds.map((s) => (s < 4 ? 0 : 1)),
    world_x: seconds.map((s) => Math.cos(s)),
    world_y: seconds.map((s) => 100 * s),
  };
  return {
    channels: Object.keys(columns),
    times: Float64Array.from(seconds, (s) => 5000 + 1000 * s),
    columns: Object.values(columns).map((values) => Float32Array.from(values)),
  };
}

test("a reference is read by distance, whatever frames of the lap before it holds", () => {
  const found = reference(lap, { kind: "distance", length: LENGTH }, stored());
  expect(found.grid.secondsAt(300)).toBeCloseTo(5, 3);
  expect(found.grid.secondsAt(LENGTH - 1)).toBeCloseTo(9.983, 2);
  expect(found.sectors).toHaveLength(1);
  expect(found.sectors[0]).toBeCloseTo(240, 0);
});

test("the outline keeps places some metres apart, and a car without places has none", () => {
  expect(outlineOf(stored())?.x.length).toBeGreaterThan(200);
  expect(outlineOf({ ...stored(), channels: ["speed"] })).toBeNull();
});

function driven(grid: LapGrid, to: number, pace: number): void {
  for (let x = Math.max(0, grid.position || 0); x <= to; x += 1) {
    const values = TRACED.map(
      (channel) => ({ speed: 50, brake: 0.5, gear: 3 })[channel as "gear"] ?? 0,
    );
    grid.add(x, (x / pace) * 1000, x / pace, values);
  }
}

test("delta and difference follow the car, the reference's pedals run ahead of it", () => {
  const { grid } = reference(lap, { kind: "distance", length: LENGTH }, stored());
  const ours = new LapGrid(LENGTH, TRACED.length);
  const columns = new TraceColumns();
  for (let to = 0; to <= 300; to += 7) {
    driven(ours, to, 50);
    columns.update(ours, grid);
  }
  expect(columns.of["delta"][250]).toBeCloseTo(250 / 50 - 250 / 60, 3);
  expect(columns.of["difference"][250]).toBeCloseTo(-36, 3);
  expect(columns.of["brake"][100]).toBeCloseTo(-0.5);
  expect(columns.of["ref-throttle"][100]).toBeNull();
  expect(columns.of["ref-throttle"][500]).toBe(1);
  expect(columns.of["delta"][500]).toBeNull();
});

test("columns written step by step equal those written at once", () => {
  const { grid } = reference(lap, { kind: "distance", length: LENGTH }, stored());
  const ours = new LapGrid(LENGTH, TRACED.length);
  const [often, once] = [new TraceColumns(), new TraceColumns()];
  for (const to of [100, 300, 200, 400]) {
    if (to < ours.position)
      ours.add(
        to,
        9e6,
        to / 50,
        TRACED.map(() => 1),
      );
    driven(ours, to, 50);
    often.update(ours, grid);
  }
  once.update(ours, grid);
  expect(often.of).toEqual(once.of);
});

test("a new lap forgets the one before", () => {
  const columns = new TraceColumns();
  const first = new LapGrid(LENGTH, TRACED.length);
  driven(first, 200, 50);
  columns.update(first, null);
  columns.update(new LapGrid(LENGTH, TRACED.length), null);
  expect(columns.of["speed"].every((value) => value === null)).toBe(true);
});
