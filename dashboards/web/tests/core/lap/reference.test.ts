import { expect, test } from "vitest";
import { outlineOf, reference } from "../../../src/core/lap/reference";
import { LENGTH, storedColumns, storedLap } from "../../fakes/stored-lap";

test("a reference is read by distance, whatever frames of the lap before it holds", () => {
  const found = reference(storedLap, { kind: "distance", length: LENGTH }, storedColumns());
  expect(found.grid.secondsAt(300)).toBeCloseTo(5, 3);
  expect(found.grid.secondsAt(LENGTH - 1)).toBeCloseTo(9.983, 2);
  expect(found.sectors).toHaveLength(1);
  expect(found.sectors[0]).toBeCloseTo(240, 0);
});

test("the outline keeps places some metres apart, and a car without places has none", () => {
  expect(outlineOf(storedColumns())?.x.length).toBeGreaterThan(200);
  expect(outlineOf({ ...storedColumns(), channels: ["speed"] })).toBeNull();
});
