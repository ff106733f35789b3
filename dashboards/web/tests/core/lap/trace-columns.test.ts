import { expect, test } from "vitest";
import { LapGrid } from "../../../src/core/lap/lap-grid";
import { reference } from "../../../src/core/lap/reference";
import { TraceColumns } from "../../../src/core/lap/trace-columns";
import { TRACED } from "../../../src/core/samples/channels";
import { LENGTH, storedColumns, storedLap } from "../../fakes/stored-lap";

function driven(grid: LapGrid, to: number, pace: number): void {
  for (let x = Math.max(0, grid.position || 0); x <= to; x += 1) {
    const values = TRACED.map(
      (channel) => ({ speed: 50, brake: 0.5, gear: 3 })[channel as "gear"] ?? 0,
    );
    grid.add(x, (x / pace) * 1000, x / pace, values);
  }
}

test("delta and difference follow the car, the reference's pedals run ahead of it", () => {
  const { grid } = reference(storedLap, { kind: "distance", length: LENGTH }, storedColumns());
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
  const { grid } = reference(storedLap, { kind: "distance", length: LENGTH }, storedColumns());
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

test("a new lap clears the one before", () => {
  const columns = new TraceColumns();
  const first = new LapGrid(LENGTH, TRACED.length);
  driven(first, 200, 50);
  columns.update(first, null);
  columns.update(new LapGrid(LENGTH, TRACED.length), null);
  expect(columns.of["speed"].every((value) => value === null)).toBe(true);
});
