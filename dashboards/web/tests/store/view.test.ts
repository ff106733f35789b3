import { expect, test } from "vitest";
import { wholeSession } from "../../src/core/session";
import { Race } from "../../src/store/race";
import type { Server } from "../../src/store/reading";
import { View } from "../../src/store/view";
import { lap } from "../fakes/laps";
import { frames, presence, session } from "../fakes/messages";

const server = (hubNow: number, state: Server["state"] = "open"): Server => ({
  state,
  hubNow,
  pageNow: hubNow,
});

function raceOf(...names: string[]): Race {
  const race = new Race();
  race.follow("evening");
  for (const name of names) race.driverOf(name);
  return race;
}

test("the first driver is shown until one is chosen, and again when the chosen one is unknown", () => {
  const view = new View(raceOf("MOR", "ADA"));
  expect(view.chosen.value?.name).toBe("ADA");
  view.chosenName.value = "MOR";
  expect(view.chosen.value?.name).toBe("MOR");
  view.chosenName.value = "XYZ";
  expect(view.chosen.value?.name).toBe("ADA");
});

test("the clock runs a delay behind the hub, and stands while the server is lost", () => {
  const view = new View(raceOf());
  view.advance(server(10_000), 100, 16);
  const { t } = view.clock.value;
  expect(t).toBe(10_000 - view.clock.value.delay);
  view.advance(server(10_500, "lost"), 100, 500);
  expect(view.clock.value.t).toBe(t);
  view.advance(server(11_000), 100, 500);
  expect(view.clock.value.t).toBeGreaterThan(t);
});

test("a race that is over rests at the end of its last lap, and goes live when samples return", () => {
  const race = raceOf("MOR");
  const driver = race.driverOf("MOR");
  driver.session.value = wholeSession(session({ finished_ns: 95e9 }));
  driver.laps.value = [lap(1, 90, { started_ns: 0, ended_ns: 90e9 })];
  driver.presence.value = presence({ offset_ms: 500 });
  driver.take(frames(1, [91_000]), 91_500, 91_500);
  const view = new View(race);
  view.advance(server(200_000), 0, 16);
  view.read(server(200_000));
  expect(view.links.value.get(driver)?.kind).toBe("recorded");
  expect(view.clock.value).toMatchObject({ mode: "paused", t: 90_000 - 1 + 500 });
  driver.take(frames(2, [199_400]), 199_900, 200_000);
  view.read(server(200_000));
  expect(view.clock.value.mode).toBe("live");
});

test("a lap so far is kept for each driver while another one is chosen", () => {
  const race = raceOf("ADA", "MOR");
  const view = new View(race);
  const ada = view.driving;
  view.chosenName.value = "MOR";
  expect(view.driving).not.toBe(ada);
  view.chosenName.value = "ADA";
  expect(view.driving).toBe(ada);
});
