import { wholeSession } from "../../core/session";
import type { SentSession } from "../../wire";
import type { Receiver } from "./receiver";

export function takeSession(sent: SentSession, receiver: Receiver): void {
  receiver.race.driverOf(sent.driver).session.value = wholeSession(sent);
}
