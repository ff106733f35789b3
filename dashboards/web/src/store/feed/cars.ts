import type { Cars, Entries } from "../../wire";
import type { Receiver } from "./receiver";

/** Take the cars of a race; who drives them is fetched once, as it is sent twice a minute only. */
export function takeCars({ driver, at_ms, own, cars }: Cars, { race, past }: Receiver): void {
  const known = race.driverOf(driver);
  known.cars.add(at_ms, own, cars);
  if (known.entries.peek() === null) void past.fetchEntries(known, at_ms);
}

export function takeEntries({ driver, entries }: Entries, { race }: Receiver): void {
  race.driverOf(driver).entries.value = entries;
}
