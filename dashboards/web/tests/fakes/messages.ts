/** Messages of a session "evening" in which MOR drives, as the gateway sends them. */

import type { Frames, Presence, SentSession } from "../../src/wire";

/** Return a chunk with one frame per time (ms by the driver's clock). */
export function frames(
  chunk: number,
  times: readonly number[],
  values: Readonly<Record<string, number>> = {},
  changes: Partial<Frames> = {},
): Frames {
  const channels = Object.keys(values);
  const rows = times.flatMap(() => Object.values(values));
  return {
    type: "wall.frames",
    session: "evening",
    driver: "MOR",
    run: 1,
    chunk,
    first_frame: 0,
    channels,
    times: new Uint8Array(Float64Array.from(times).buffer),
    rows: new Uint8Array(Float32Array.from(rows).buffer),
    late: false,
    ...changes,
  };
}

export function presence(changes: Partial<Presence> = {}): Presence {
  return {
    type: "wall.presence",
    session: "evening",
    driver: "MOR",
    run: 1,
    seen_ms: 0,
    stored_ms: 0,
    offset_ms: null,
    made: 0,
    waiting: 0,
    through: 0,
    missing: [],
    gone: [],
    closed: false,
    kept: true,
    refused: [],
    ...changes,
  };
}

export function session(changes: Partial<SentSession> = {}): SentSession {
  return {
    type: "timing.session",
    session: "evening",
    driver: "MOR",
    at_ns: 0,
    source: "sim",
    started_ns: 0,
    ...changes,
  };
}
