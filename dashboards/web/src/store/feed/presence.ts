import { differs } from "../../core/samples/holes";
import type { Presence } from "../../wire";
import type { Receiver } from "./receiver";

export function takePresence(presence: Presence, receiver: Receiver): void {
  const driver = receiver.race.driverOf(presence.driver);
  driver.presence.value = presence;
  if (differs(driver.coverage.peek(), presence)) receiver.past.refreshHoles();
}
