import { expect, test } from "vitest";
import { gapSeconds } from "../../../src/core/lap/gaps";
import { Ring } from "../../../src/core/samples/ring";

test("the gap is how long ago the car ahead was where we are", () => {
  const ring = new Ring(["lap_number", "lap_distance"], 100);
  const times = Array.from({ length: 50 }, (_, i) => i * 1000);
  const rows = times.flatMap((_, i) => [1, i * 50]);
  ring.addRows(Float64Array.from(times), ring.channels, Float32Array.from(rows));
  expect(gapSeconds(ring, 49_000, 1 + 2225 / 5000, 5000)).toBeCloseTo(4.5);
  expect(gapSeconds(ring, 49_000, 2, 5000)).toBeNaN();
});
