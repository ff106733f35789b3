import { expect, test } from "vitest";
import { LapGrid } from "../../../src/core/lap/lap-grid";

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

test("a flashback clears the points ahead of it", () => {
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
