import { expect, test } from "vitest";
import { Instants, named, relatives } from "../../src/core/cars";
import type { CarSeen } from "../../src/wire";

const seen = (car: string, position: number | null, x_dm = 0, gap_ms: number | null = null) =>
  [car, 3, 100, x_dm, -x_dm, position, gap_ms, "track", "", null, 95_500, null] as CarSeen;

const around = [
  seen("9", 5, 0, 9000),
  seen("1", 1, 0, 0),
  seen("7", 3, 100, 4000),
  seen("4", 4, 0, 5500),
  seen("2", 2, 0, 1250),
  seen("5", null),
];

test("places between two instants lie between theirs, and are not guessed after the newest", () => {
  const instants = new Instants();
  instants.add(1000, "7", [seen("7", 1, 100)]);
  instants.add(1200, "7", [seen("7", 1, 300)]);
  expect(instants.at(1050)?.cars[0]).toMatchObject({ x: 15, y: -15, own: true });
  expect(instants.at(1900)?.cars[0].x).toBe(30);
  expect(instants.at(999)).toBeNull();
  expect(instants.at(20_000)).toBeNull();
});

test("a place in a gap of the race is the last known one", () => {
  const instants = new Instants();
  instants.add(1000, "7", [seen("7", 1, 100)]);
  instants.add(4000, "7", [seen("7", 1, 900)]);
  expect(instants.at(3900)).toMatchObject({ atMs: 1000, cars: [{ x: 10 }] });
});

test("an instant that comes late or twice takes its place once", () => {
  const instants = new Instants();
  for (const at of [1000, 1400, 1200, 1200]) instants.add(at, "7", [seen("7", 1, at)]);
  expect(instants.at(1300)?.cars[0].x).toBe(130);
  expect(instants.at(1200)?.cars[0].x).toBe(120);
});

test("two cars ahead and two behind stand around ours, with their gaps to us", () => {
  const instants = new Instants();
  instants.add(1000, "7", around);
  const rows = relatives(instants.at(1000), 2).map((row) => [row.car, row.behindUs, row.own]);
  expect(rows).toEqual([
    ["1", -4, false],
    ["2", -2.75, false],
    ["7", 0, true],
    ["4", 1.5, false],
    ["9", 5, false],
  ]);
});

test("without our car, or alone, there are no relatives", () => {
  const instants = new Instants();
  instants.add(1000, "8", around);
  instants.add(2000, "7", [seen("7", 1)]);
  expect(relatives(instants.at(1000), 2)).toEqual([]);
  expect(relatives(instants.at(2000), 2)).toEqual([]);
  expect(relatives(null, 2)).toEqual([]);
});

test("a car is named by its entry, and by itself where it has none", () => {
  const entries = [["21", "Ada", "81", "", ""]] as const;
  expect(named("21", entries)).toEqual({ number: "81", driver: "Ada" });
  expect(named("22", entries)).toEqual({ number: "22", driver: "" });
});
