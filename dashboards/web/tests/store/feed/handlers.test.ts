import { signal } from "@preact/signals";
import { expect, test } from "vitest";
import { Arrivals } from "../../../src/core/clock";
import { hubWords } from "../../../src/core/link/hub-state";
import { Rest } from "../../../src/link/rest";
import type { Received } from "../../../src/link/socket";
import { HANDLERS, handle } from "../../../src/store/feed/handlers";
import type { Receiver } from "../../../src/store/feed/receiver";
import { Past } from "../../../src/store/past";
import { Race } from "../../../src/store/race";
import { FakeGateway, json } from "../../fakes/gateway";
import { debrief, moment, passes, silence, track } from "../../fakes/coach";
import { lap } from "../../fakes/laps";
import { frames, presence, session } from "../../fakes/messages";
import { FakeTimers } from "../../fakes/timers";

const HUB_AHEAD_MS = 50_000;

function receiver() {
  const [gateway, timers, race] = [new FakeGateway(), new FakeTimers(), new Race()];
  gateway.on("sessions/evening/holes", json([]));
  race.follow("evening");
  const past = new Past(new Rest(gateway.fetch), race, timers);
  let [caughtUp, listed] = [0, 0];
  const to: Receiver = {
    race,
    past,
    arrivals: new Arrivals(),
    dropped: signal(0),
    refusal: signal(""),
    hub: signal(null),
    now: timers.now,
    hubNow: (pageNow) => pageNow + HUB_AHEAD_MS,
    dropSession: () => (listed += 1),
    catchUp: () => (caughtUp += 1),
  };
  const take = (message: Received) => handle(message, to);
  return { to, take, gateway, timers, mor: () => race.driverOf("MOR"), caughtUp: () => caughtUp, listed: () => listed };
}

test("a driver whose runs were deleted leaves the page, and only later runs bring one back", () => {
  const { to, take, listed } = receiver();
  take(frames(1, [1000], { speed: 60 }));
  take(presence({ driver: "ADA" }));
  const deleted = { type: "wall.deleted" as const, session: "evening", driver: "MOR", through: 5 };
  take({ ...deleted, session: "another" });
  expect(to.race.drivers.value.map((driver) => driver.name)).toEqual(["ADA", "MOR"]);
  take(deleted);
  take(frames(2, [1016], { speed: 60 }));
  expect(to.race.drivers.value.map((driver) => driver.name)).toEqual(["ADA"]);
  expect(listed()).toBe(1);
  take({ ...frames(1, [2000], { speed: 60 }), run: 6 });
  expect(to.race.drivers.value.map((driver) => driver.name)).toEqual(["ADA", "MOR"]);
});

test("a session that was deleted whole is not followed any more", () => {
  const { to, take } = receiver();
  take(frames(1, [1000], { speed: 60 }));
  take({ type: "wall.deleted", session: "evening", driver: "MOR", through: 5 });
  expect(to.race.session.value).toBe("");
});

test("frames fill the driver's rings and its coverage", () => {
  const { take, mor } = receiver();
  take(frames(1, [1000, 1016], { speed: 60, fuel_level: 40 }));
  expect(mor().fast.at("speed", 1016)).toBe(60);
  expect(mor().slow.step("fuel_level", 1016)).toBe(40);
  expect(mor().coverage.value.span).toEqual([1000, 1016]);
});

test("the hub's state is kept with the time at which it came", async () => {
  const { to, take, timers } = receiver();
  await timers.pass(5000);
  const state = { nats_refuses: false, postgres_refuses: false, low_room: true, free_bytes: 3e8 };
  take({ type: "hub.state", at_ns: 1, ...state });
  expect(to.hub.value?.at).toBe(timers.now());
  expect(hubWords(to.hub.value!.state, 0)).toContain("nearly full: 0.3 GB are left");
});

test("a missing chunk opens a hole, and frames that arrive late fill it", () => {
  const { take, mor } = receiver();
  take(frames(1, [1000]));
  take(frames(3, [3000]));
  expect(mor().coverage.value.holes).toHaveLength(1);
  take(frames(2, [2000], { speed: 50 }, { late: true }));
  expect(mor().coverage.value.holes).toEqual([]);
  expect(mor().fast.at("speed", 2000)).toBe(50);
});

test("the delay of live chunks is measured, that of late and of held back ones is not", () => {
  const { to, take } = receiver();
  take(presence({ offset_ms: HUB_AHEAD_MS }));
  take(frames(1, [-100]));
  expect(to.arrivals.worst).toBe(100);
  take(frames(2, [-900], {}, { late: true }));
  take(frames(3, [-5000]));
  expect(to.arrivals.worst).toBe(100);
});

test("a presence that lists unknown holes fetches them from Postgres", async () => {
  const { take, gateway, timers, mor } = receiver();
  take(frames(1, [1000]));
  take(presence({ seen_ms: 7 }));
  await timers.pass(3000);
  expect(gateway.paths).toEqual([]);
  take(presence({ seen_ms: 8, missing: [[5, 6]] }));
  await timers.pass(3000);
  expect(gateway.paths).toEqual(["sessions/evening/holes"]);
  expect(mor().presence.value?.seen_ms).toBe(8);
});

test("a session arrives with the defaults of fields that were not sent", () => {
  const { take, mor } = receiver();
  take(session({ car: "27" }));
  expect(mor().session.value).toMatchObject({ car: "27", kind: "unknown", track_length_m: null });
  expect(mor().carName.value).toBe("#27");
});

test("laps of the driver's own car are kept, laps of other cars are not", () => {
  const { take, mor } = receiver();
  take({ ...lap(4, 90), session: "evening" });
  take({ ...lap(5, 80), session: "evening", own: false });
  expect(mor().laps.value.map((one) => one.lap_number)).toEqual([4]);
});

test("what the coach says of a lap is kept, a later revision in place of an earlier one", () => {
  const { take, mor } = receiver();
  take(moment(4));
  take(moment(4, { withdrawn: true, revision: 2 }));
  take(silence(3));
  take(passes(4, { T1: 0.1 }));
  take(debrief(1));
  take(debrief(1, { revision: 2 }));
  expect(mor().moments.value.map((one) => one.revision)).toEqual([2]);
  expect(mor().silences.value.map((one) => one.lap_number)).toEqual([3]);
  expect(mor().passes.value.map((one) => one.lap_number)).toEqual([4]);
  expect(mor().debriefs.value.map((one) => one.revision)).toEqual([2]);
});

test("a learned track shows the map before a lap is driven", () => {
  const { to, take, mor } = receiver();
  take(track());
  expect(mor().track.value?.corners).toHaveLength(2);
  expect(to.race.outline.value?.x).toHaveLength(60);
});

test("dropped messages are counted and fetched again", () => {
  const { to, take, caughtUp } = receiver();
  take({ type: "wall.dropped", count: 12 });
  expect(to.dropped.value).toBe(12);
  expect(caughtUp()).toBe(1);
});

test("a refusal is kept until it is closed", () => {
  const { to, take } = receiver();
  take({ type: "wall.refused", reason: "no such session" });
  expect(to.refusal.value).toBe("no such session");
});

test("messages of another session and of unknown types are dropped", () => {
  const { to, take } = receiver();
  take(frames(1, [1000], {}, { session: "morning" }));
  take({ type: "coach.advice", session: "evening" } as unknown as Received);
  expect(to.race.drivers.value).toEqual([]);
});

test("the compiler refuses a table without a handler of some type", () => {
  const { "timing.lap": _, ...others } = HANDLERS;
  // @ts-expect-error: "timing.lap" has no handler
  const table: typeof HANDLERS = others;
  expect(Object.keys(table)).not.toContain("timing.lap");
});

test("the cars of a race are kept by instant, and their drivers are fetched once", async () => {
  const { take, gateway, mor, timers } = receiver();
  const one = { car: "21", driver: "Ada", number: "81", model: "", car_class: "" };
  gateway.on("sessions/evening/drivers/MOR/cars", json({ cars: [one] }));
  const cars = [["21", 3, 100, 50, 60, 1, 0, "track", "", null, null, null]] as const;
  const message = { type: "wall.cars", session: "evening", driver: "MOR", own: "21" } as const;
  take({ ...message, at_ms: 1000, cars });
  take({ ...message, at_ms: 1200, cars });
  expect(mor().cars.at(1200)?.cars[0]).toMatchObject({ car: "21", x: 5, y: 6, own: true });
  await timers.pass(0);
  expect(gateway.calls.map((call) => call.path)).toEqual([
    "sessions/evening/drivers/MOR/cars?at_ns=1000000000",
  ]);
  expect(mor().entries.value).toEqual([["21", "Ada", "81", "", ""]]);
  const entries = [["21", "Bo", "81", "", ""]] as const;
  take({ type: "wall.entries", session: "evening", driver: "MOR", entries });
  expect(mor().entries.value).toEqual(entries);
});
