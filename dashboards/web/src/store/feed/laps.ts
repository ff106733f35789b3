import { whole, withLap } from "../../core/lap/laps";
import type { SentLap } from "../../wire";
import type { Receiver } from "./receiver";

/** Take a lap of the driver's own car; laps of other cars are not shown. */
export function takeLap(sent: SentLap, receiver: Receiver): void {
  const driver = receiver.race.driverOf(sent.driver);
  if (sent.own) driver.laps.value = withLap(driver.laps.peek(), whole(sent));
}
