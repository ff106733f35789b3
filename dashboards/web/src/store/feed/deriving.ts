import type { Deriving } from "../../wire";
import type { Receiver } from "./receiver";

/** Take the number of stored chunks that a driver's laps still lack. */
export function takeDeriving(sent: Deriving, receiver: Receiver): void {
  receiver.race.driverOf(sent.driver).chunksBehind.value = sent.chunks_behind;
}
