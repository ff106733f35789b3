/** The notice about the hub's own servers: state first, then consequence, then next step. */

import type { HubState } from "../../wire";
import { fixed } from "../figures";

/** A state that is older than this says nothing about now. */
export const OLD_MS = 15_000;

/** Return the notice about a state of the hub that is `ageMs` old, "" while all is well. */
export function hubWords(state: HubState, ageMs: number): string {
  if (ageMs > OLD_MS) return "";
  const refusing = [
    ...(state.nats_refuses ? ["nats-server"] : []),
    ...(state.postgres_refuses ? ["Postgres"] : []),
  ];
  if (refusing.length) {
    const servers = `${refusing.join(" and ")} ${refusing.length > 1 ? "refuse" : "refuses"} writes`;
    return `The hub stores nothing: ${servers}. Drivers' PCs keep their telemetry and send it later.`;
  }
  if (!state.low_room) return "";
  const left = `${fixed(state.free_bytes / 1e9, 1)} GB are left`;
  return `The hub's disk is nearly full: ${left}. Somebody has to make room on it.`;
}
