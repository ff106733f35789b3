/** The live feed: what the gateway says goes into the store. */

import { FAST, SLOW } from "../core/samples/channels";
import { Arrivals } from "../core/clock";
import { differs, unheard } from "../core/samples/holes";
import { whole, withLap } from "../core/lap/laps";
import { ended, ticket } from "../link/access";
import { WallSocket } from "../link/socket";
import type { Frames, ToPage } from "../wire";
import * as past from "./past";
import * as wall from "./wall";

export const arrivals = new Arrivals();

export const socket = new WallSocket(address, opened, heard, () => (ended.value = true));

async function address(): Promise<string | null> {
  const opens = ended.peek() ? null : await ticket();
  if (opens === null) return null;
  const live = new URL("api/v1/live", location.href);
  live.protocol = live.protocol.replace("http", "ws");
  live.search = new URLSearchParams({ ticket: opens }).toString();
  live.hash = "";
  return live.href;
}

/** Show a session from now on; everything of the one before is forgotten. */
export function choose(session: string, driver = ""): void {
  if (session !== wall.chosenSession.peek()) {
    wall.drivers.value = [];
    wall.chosenSession.value = session;
    void past.summarise();
  }
  if (driver) wall.chosenName.value = driver;
  wall.remember();
  subscribe();
}

function opened(): void {
  wall.dropped.value = 0;
  subscribe();
  missed();
}

/** This page heard nothing for a while: Postgres says what there was. */
function missed(): void {
  for (const driver of wall.drivers.peek()) {
    driver.coverage.value = unheard(driver.coverage.peek());
  }
  past.catchUp();
}

function subscribe(): void {
  const session = wall.chosenSession.peek();
  if (session) {
    socket.send({ type: "wall.subscribe", session, drivers: [], channels: [...FAST, ...SLOW] });
  }
}

function heard(message: ToPage): void {
  if ("session" in message && message.session !== wall.chosenSession.peek()) return;
  switch (message.type) {
    case "wall.frames":
      return frames(message);
    case "wall.presence": {
      const driver = wall.driverOf(message.driver);
      driver.presence.value = message;
      if (differs(driver.coverage.peek(), message)) past.askHoles();
      return;
    }
    case "timing.session":
      wall.driverOf(message.driver).session.value = wall.wholeSession(message);
      return;
    case "timing.lap": {
      const driver = wall.driverOf(message.driver);
      if (message.own) driver.laps.value = withLap(driver.laps.peek(), whole(message));
      return;
    }
    case "wall.dropped":
      wall.dropped.value = message.count;
      missed();
      return;
    case "wall.refused":
      wall.refusal.value = message.reason;
      return;
    case "wall.pong":
      return;
  }
}

function frames(message: Frames): void {
  const now = performance.now();
  const late = wall.driverOf(message.driver).take(message, socket.hubClock.at(now), now);
  if (late < 2000) arrivals.add(late, now);
}
