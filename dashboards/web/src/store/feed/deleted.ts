import type { Deleted } from "../../wire";
import type { Receiver } from "./receiver";

/** Remove a driver whose part of the session was deleted. */
export function takeDeleted(deleted: Deleted, receiver: Receiver): void {
  receiver.dropSession(deleted.session, deleted.driver);
  receiver.race.remove(deleted.driver, deleted.through);
}
