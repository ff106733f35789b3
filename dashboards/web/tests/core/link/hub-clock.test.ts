import { expect, test } from "vitest";
import { HubClock } from "../../../src/core/link/hub-clock";

test("the hub's clock comes from the ping with the shortest round trip", () => {
  const hub = new HubClock();
  expect(hub.at(0)).toBeNaN();
  hub.add(100, 300, 1_000_150);
  hub.add(400, 404, 1_000_502);
  expect(hub.at(1000)).toBe(1_001_100);
});
