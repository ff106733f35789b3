import type { Frames } from "../../wire";
import type { Receiver } from "./receiver";

/** Above this a chunk was held back by its link, and says nothing about the usual delay. */
const HELD_BACK_MS = 2000;

export function takeFrames(frames: Frames, receiver: Receiver): void {
  if (receiver.race.isDeleted(frames.driver, frames.run)) return;
  const now = receiver.now();
  const driver = receiver.race.driverOf(frames.driver);
  const lateMs = driver.take(frames, receiver.hubNow(now), now);
  if (lateMs < HELD_BACK_MS) receiver.arrivals.add(lateMs, now);
}
