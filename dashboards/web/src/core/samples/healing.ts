/** The notice about a hole: open, filling, filled. */

import { brief, duration } from "../figures";

export interface Healing {
  /** The most that was missing since the last time without holes, in ms and in chunks. */
  readonly wholeMs: number;
  readonly chunks: number;
  readonly left: number;
  readonly sinceMs: number;
  readonly healedMs: number | null;
}

const SHOWN_MS = 5000;

/** Return the notice for the parts missing now; `sinceMs` is set when the first chunk arrives. */
export function healed(
  before: Healing | null,
  now: { missingMs: number; chunks: number; at: number },
): Healing | null {
  if (now.chunks > 0) {
    const known = before && before.healedMs === null ? before : null;
    if (known && now.chunks <= known.chunks) {
      const sinceMs =
        known.left === known.chunks && now.chunks < known.left ? now.at : known.sinceMs;
      return { ...known, left: now.chunks, sinceMs };
    }
    return {
      wholeMs: Math.max(now.missingMs, known?.wholeMs ?? 0),
      chunks: now.chunks,
      left: now.chunks,
      sinceMs: now.at,
      healedMs: null,
    };
  }
  if (!before) return null;
  if (before.healedMs === null) return { ...before, left: 0, healedMs: now.at };
  return now.at - before.healedMs > SHOWN_MS ? null : before;
}

export function share(healing: Healing): number {
  return healing.chunks ? 1 - healing.left / healing.chunks : 1;
}

export interface Notice {
  readonly head: string;
  readonly rest: string;
  readonly progress: string;
}

export function noticeOf(healing: Healing, driver: string, at: number, goneMs: number): Notice {
  const hole = `hole of ${duration(healing.wholeMs)}`;
  if (healing.healedMs !== null) {
    const lost = goneMs > 0 ? `${brief(goneMs)} lost for good.` : "0 samples lost.";
    return { head: `H${hole.slice(1)} filled.`, rest: lost, progress: "100%" };
  }
  const done = share(healing);
  if (done === 0) {
    return { head: `A ${hole}.`, rest: `Waiting for ${driver}'s PC to send it.`, progress: "" };
  }
  const leftMs = ((at - healing.sinceMs) / done) * (1 - done);
  return {
    head: `Filling a ${hole}.`,
    rest: `${driver}'s PC kept the samples and sends them now.`,
    progress: `${Math.floor(done * 100)}% · ${brief(leftMs)}`,
  };
}
