import { expect, test } from "vitest";
import { Race } from "../../src/store/race";

test("a driver is one object, however often its name is met, and drivers are in order", () => {
  const race = new Race();
  const mor = race.driverOf("MOR");
  race.driverOf("ADA");
  expect(race.driverOf("MOR")).toBe(mor);
  expect(race.drivers.value.map((driver) => driver.name)).toEqual(["ADA", "MOR"]);
});

test("another session has neither the drivers nor the track of the one before", () => {
  const race = new Race();
  race.follow("evening");
  const mor = race.driverOf("MOR");
  race.outline.value = { x: Float32Array.of(0, 1), y: Float32Array.of(0, 1) };
  race.follow("morning");
  expect(race.drivers.value).toEqual([]);
  expect(race.outline.value).toBeNull();
  expect(race.driverOf("MOR")).not.toBe(mor);
});
