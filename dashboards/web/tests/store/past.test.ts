import { expect, test } from "vitest";
import { Rest } from "../../src/link/rest";
import { Past } from "../../src/store/past";
import { Race } from "../../src/store/race";
import { View } from "../../src/store/view";
import type { Hole } from "../../src/wire";
import { FakeGateway, json, telemetry } from "../fakes/gateway";
import { lap } from "../fakes/laps";
import { frames, presence } from "../fakes/messages";
import { FakeTimers } from "../fakes/timers";

const HOLES = "sessions/evening/holes";
const RANGE = "sessions/evening/drivers/MOR/telemetry";
const LAP_4 = "sessions/evening/drivers/MOR/laps/4/telemetry";
const T = 1_000_000;

function made() {
  const [gateway, timers, race] = [new FakeGateway(), new FakeTimers(), new Race()];
  race.follow("evening");
  gateway.on(HOLES, json([])).on(RANGE, telemetry([], {}));
  const request = (path: string, init?: RequestInit) => gateway.fetch(path, init).catch(() => null);
  const past = new Past(new Rest(request), race, timers);
  return { gateway, timers, race, past, mor: race.driverOf("MOR"), view: new View(race) };
}

/** Return the begin and the end of the last range that was requested, in ms; NaN for no end. */
function rangeOf(gateway: FakeGateway): [number, number] {
  const call = gateway.calls.findLast((one) => one.path.startsWith(RANGE));
  const query = new URLSearchParams(call?.path.split("?")[1]);
  const [from, to] = [Number(query.get("from_ns")) / 1e6, Number(query.get("to_ns")) / 1e6];
  return [from, to > 1e12 ? NaN : to];
}

test("holes are fetched once in two seconds, however often a refresh is asked for", async () => {
  const { past, gateway, timers } = made();
  for (let ms = 0; ms < 4000; ms += 100) {
    past.refreshHoles();
    await timers.pass(100);
  }
  expect(gateway.paths.filter((path) => path === HOLES)).toHaveLength(2);
});

test("a summary brings drivers, their sessions, and the recorded span", async () => {
  const { past, gateway, race } = made();
  const times = { from_ns: 1e12, to_ns: 1.09e12, removed_ms: null };
  const about = { session: null, laps: 3, best_lap_time_s: 90, ...times };
  gateway.on("sessions/evening", json({ drivers: [{ ...about, driver: "ADA" }] }));
  await past.summarise();
  expect(race.driverOf("ADA").coverage.value.span).toEqual([1_000_000, 1_090_000]);
});

test("a reference whose telemetry retention removed is fetched once", async () => {
  const { past, gateway, timers, mor, view } = made();
  const about = { session: null, laps: 3, best_lap_time_s: 90, from_ns: null, to_ns: null };
  const removed = { ...about, driver: "MOR", removed_ms: 1000 };
  gateway.on("sessions/evening", json({ drivers: [removed] }));
  gateway.on(LAP_4, telemetry([], {}));
  await past.summarise();
  past.follow(view);
  mor.laps.value = [lap(4, 90, { started_ns: T * 1e6 })];
  await timers.pass(10_000);
  expect(mor.removedMs.value).toBe(1000);
  expect(gateway.paths.filter((path) => path === LAP_4)).toHaveLength(1);
});

test("answers about a session that is no longer followed are dropped", async () => {
  const { past, gateway, race } = made();
  const about = { driver: "ADA", session: null, from_ns: 0, to_ns: 1 };
  gateway.on("sessions/evening", json({ drivers: [about] }));
  const summarised = past.summarise();
  race.follow("morning");
  await summarised;
  expect(race.drivers.value).toEqual([]);
});

test("a page that joins late fetches the lap from half a second before its start", async () => {
  const { past, gateway, timers, mor, view } = made();
  mor.laps.value = [lap(4, null, { started_ns: (T - 40_000) * 1e6, ended_ns: null })];
  gateway.on(RANGE, telemetry([T - 30_000], { speed: [55] }));
  past.follow(view);
  mor.take(frames(1, [T]), T, 0);
  await timers.pass(0);
  expect(rangeOf(gateway)).toEqual([T - 40_500, NaN]);
  expect(mor.fast.at("speed", T - 30_000)).toBe(55);
});

test("of a lap that is ten minutes old only the last ten minutes are fetched", async () => {
  const { past, gateway, timers, mor, view } = made();
  mor.laps.value = [lap(4, null, { started_ns: (T - 900_000) * 1e6, ended_ns: null })];
  past.follow(view);
  mor.take(frames(1, [T]), T, 0);
  await timers.pass(0);
  expect(rangeOf(gateway)[0]).toBe(T - 600_000);
});

test("a hole that Postgres has filled brings the lap again, for the shown driver only", async () => {
  const { past, gateway, timers, race, mor, view } = made();
  const ada = race.driverOf("ADA");
  view.chosenName.value = "MOR";
  past.follow(view);
  for (const driver of [mor, ada]) {
    driver.take(frames(1, [T - 3000]), T, 0);
    driver.take(frames(5, [T]), T, 0);
    driver.presence.value = presence({ through: 5 });
  }
  await timers.pass(0);
  const ranges = () => gateway.paths.filter((path) => path.endsWith("/telemetry"));
  const before = ranges().length;
  past.refreshHoles();
  await timers.pass(2000);
  expect(ada.coverage.value.holes).toEqual([]);
  expect(ranges().slice(before)).toEqual([RANGE]);
});

test("a hole that Postgres still lists stays open", async () => {
  const { past, gateway, timers, mor } = made();
  mor.take(frames(1, [T - 3000]), T, 0);
  mor.take(frames(5, [T]), T, 0);
  const hole: Hole = {
    driver: "MOR",
    run: 1,
    first_chunk: 2,
    last_chunk: 4,
    chunks: 3,
    refused: false,
    gone: true,
    from_ns: (T - 3000) * 1e6,
    to_ns: T * 1e6,
  };
  gateway.on(HOLES, json([hole, { ...hole, driver: "ADA" }]));
  past.refreshHoles();
  await timers.pass(2000);
  expect(mor.coverage.value.holes).toMatchObject([{ first: 2, last: 4, gone: true }]);
});

test("the reference is fetched once its lap counts, again until samples are stored", async () => {
  const { past, gateway, timers, mor, race, view } = made();
  past.follow(view);
  gateway.on(LAP_4, telemetry([], {}));
  mor.laps.value = [lap(4, 90, { started_ns: T * 1e6 })];
  await timers.pass(0);
  expect(mor.reference.value).toBeNull();
  const x = Array.from({ length: 50 }, (_, i) => i * 20);
  const times = x.map((place) => T + place * 20);
  gateway.on(LAP_4, telemetry(times, { lap_distance: x, world_x: x, world_y: x }));
  await timers.pass(2000);
  expect(mor.reference.value?.lap.lap_number).toBe(4);
  expect(mor.reference.value?.axis).toEqual({ kind: "distance", length: 980 });
  expect(race.outline.value?.x.length).toBeGreaterThan(10);
  expect(gateway.paths.filter((path) => path === LAP_4)).toHaveLength(2);
});

test("the answer about a reference that a better lap has replaced is dropped", async () => {
  const { past, gateway, timers, mor, view } = made();
  past.follow(view);
  const samples = telemetry([T, T + 20], { lap_distance: [0, 1] });
  gateway.on("sessions/evening/drivers/MOR/laps/5/telemetry", samples);
  let answer: (response: Response) => void = () => {};
  gateway.on(LAP_4, () => new Promise((resolve) => (answer = resolve)));
  mor.laps.value = [lap(4, 90)];
  mor.laps.value = [...mor.laps.value, lap(5, 80)];
  await timers.pass(0);
  answer(samples);
  await timers.pass(0);
  expect(mor.reference.value?.lap.lap_number).toBe(5);
});

test("a race that is over loads its last whole lap, from line to line", async () => {
  const { past, gateway, timers, mor, view } = made();
  mor.laps.value = [lap(4, 90, { started_ns: T * 1e6, ended_ns: (T + 90_000) * 1e6 })];
  mor.take(frames(1, [T + 95_000]), T, 0);
  view.clock.value = { ...view.clock.value, mode: "paused", t: T + 90_000 };
  past.follow(view);
  await timers.pass(0);
  expect(rangeOf(gateway)).toEqual([T - 500, T + 90_000]);
});

test("once following ends, neither lap nor reference is loaded, not even to catch up", async () => {
  const { past, gateway, timers, mor, view } = made();
  mor.take(frames(1, [T]), T, 0);
  const end = past.follow(view);
  await timers.pass(0);
  end();
  const before = gateway.paths.length;
  mor.laps.value = [lap(4, 90, { started_ns: T * 1e6 })];
  past.catchUp();
  await timers.pass(0);
  expect(gateway.paths.slice(before)).toEqual([]);
});
