import type { Dropped, HubState, Refused } from "../../wire";
import type { Receiver } from "./receiver";

/** Fetch what the gateway dropped because this page was too slow. */
export function takeDropped(dropped: Dropped, receiver: Receiver): void {
  receiver.dropped.value = dropped.count;
  receiver.catchUp();
}

export function takeRefused(refused: Refused, receiver: Receiver): void {
  receiver.refusal.value = refused.reason;
}

export function takeHubState(state: HubState, receiver: Receiver): void {
  receiver.hub.value = { state, at: receiver.now() };
}
