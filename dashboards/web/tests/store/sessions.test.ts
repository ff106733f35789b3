import { expect, test } from "vitest";
import { Rest } from "../../src/link/rest";
import { Race } from "../../src/store/race";
import { Sessions } from "../../src/store/sessions";
import type { DriverSummary, SessionSummary } from "../../src/wire";
import { FakeGateway, json } from "../fakes/gateway";
import { session } from "../fakes/messages";
import { FakeTimers } from "../fakes/timers";

function summary(name: string, fromS: number, finished_ns: number | null = null): SessionSummary {
  const driver: DriverSummary = {
    driver: "MOR",
    session: session({ finished_ns }),
    laps: 3,
    best_lap_time_s: null,
    from_ns: fromS * 1e9,
    to_ns: fromS * 1e9 + 1e9,
    removed_ms: null,
  };
  return { session: name, drivers: [driver], pinned: false, removal: null };
}

function made(...listed: SessionSummary[]) {
  const [gateway, timers, race] = [new FakeGateway(), new FakeTimers(), new Race()];
  gateway.on("sessions", json(listed));
  const request = (path: string, init?: RequestInit) => gateway.fetch(path, init).catch(() => null);
  return { gateway, timers, race, sessions: new Sessions(new Rest(request), race, timers) };
}

test("sessions are listed every two seconds until one is followed, then every twenty", async () => {
  const { sessions, gateway, timers, race } = made();
  sessions.start();
  await timers.pass(10_000);
  expect(gateway.calls).toHaveLength(6);
  race.follow("evening");
  await timers.pass(40_000);
  expect(gateway.calls).toHaveLength(8);
});

test("the list stays when an answer is lost", async () => {
  const { sessions, gateway } = made(summary("evening", 100));
  await sessions.fetch();
  gateway.on("sessions", null);
  await sessions.fetch();
  expect(sessions.list.value?.map((one) => one.session)).toEqual(["evening"]);
});

test("older sessions are fetched on request and stay when the first page is fetched again", async () => {
  const { sessions, gateway } = made();
  const older = '</api/v1/sessions?after=x>; rel="next"';
  gateway.on("sessions", ({ path }) =>
    path.includes("after")
      ? json([summary("morning", 50)])
      : json([summary("evening", 100)], 200, older),
  );
  const names = () => sessions.list.value?.map((one) => one.session);
  await sessions.fetch();
  expect(names()).toEqual(["evening"]);
  await sessions.more();
  await sessions.fetch();
  expect(names()).toEqual(["evening", "morning"]);
  expect(sessions.next.value).toBeNull();
});

test("a session is newer when it began later and is still driven", async () => {
  const { sessions, race } = made(summary("night", 200), summary("evening", 100));
  await sessions.fetch();
  race.follow("evening");
  expect(sessions.newer.value?.session).toBe("night");
  race.follow("night");
  expect(sessions.newer.value).toBeNull();
});

test("neither a finished session nor an earlier one is newer", async () => {
  const finished = made(summary("night", 200, 201e9), summary("evening", 100));
  const earlier = made(summary("morning", 50), summary("evening", 100));
  for (const { sessions, race } of [finished, earlier]) {
    await sessions.fetch();
    race.follow("evening");
    expect(sessions.newer.value).toBeNull();
  }
});

test("a session that the whole list lacks leaves, and a deleted driver at once", async () => {
  const { sessions, gateway } = made(summary("night", 200), summary("evening", 100));
  const names = () => sessions.list.value?.map((one) => one.session);
  await sessions.fetch();
  sessions.drop("night", "ADA");
  expect(names()).toEqual(["night", "evening"]);
  sessions.drop("night", "MOR");
  expect(names()).toEqual(["evening"]);
  gateway.on("sessions", json([summary("morning", 50)]));
  await sessions.fetch();
  expect(names()).toEqual(["morning"]);
});

test("the removal that is announced is the followed session's", async () => {
  const removal = { part: "telemetry" as const, at_ms: 1000 };
  const { sessions, race } = made({ ...summary("night", 200), removal }, summary("evening", 100));
  await sessions.fetch();
  race.follow("evening");
  expect(sessions.removal.value).toBeNull();
  race.follow("night");
  expect(sessions.removal.value).toEqual(removal);
});
