import { expect, test } from "vitest";
import { fit, placed } from "../../../src/core/lap/outline";

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
