import { expect, test } from "vitest";
import { rowsFor } from "../../src/draw/trace-rows";

const rowOf = (key: string) => rowsFor(true).find((row) => row.key === key)!;

test("rows of differences exist only beside a reference", () => {
  expect(rowsFor(true).map((row) => row.key)).toContain("delta");
  expect(rowsFor(false).map((row) => row.key)).not.toContain("delta");
});

test("a scale holds the values of its row", () => {
  for (const [key, least, most] of [
    ["speed", 62, 287],
    ["delta", -0.31, 0.12],
    ["steering", -95, 40],
    ["gear", 1, 7],
    ["rpm", 900, 8450],
  ] as const) {
    const { low, high, ticks } = rowOf(key).scale(least, most);
    expect(low).toBeLessThanOrEqual(least);
    expect(high).toBeGreaterThanOrEqual(most);
    for (const tick of ticks) expect(tick >= low && tick <= high).toBe(true);
  }
});

test("nought is in the middle of a difference", () => {
  expect(rowOf("delta").scale(-0.31, 0.12)).toMatchObject({ low: -0.5, high: 0.5 });
});
