/** The state of a driver's link, and its words: state first, then consequence, then next step. */

import { brief, calendarDay, duration, fixed, hourMinute } from "../figures";

export type LinkKind =
  | "none"
  | "live"
  | "late"
  | "unstored"
  | "unkept"
  | "silent"
  | "stale"
  | "lost"
  | "recorded"
  | "closed"
  | "away";

export interface Link {
  readonly kind: LinkKind;
  readonly words: string;
}

export interface Signs {
  readonly driver: string;
  /** Hub now - captured - offset of the newest sample on screen, ms; NaN while not known. */
  readonly ageMs: number;
  /** Time since a sample reached this page, ms; Infinity when none has. */
  readonly quietMs: number;
  /** Time since any message of the driver's PC, ms; Infinity when there was none. */
  readonly unseenMs: number;
  /** Time for which the driver's PC has sent and the hub stored nothing, ms. */
  readonly unstoredMs: number;
  /** False while the disk of the driver's PC keeps no chunks. */
  readonly kept: boolean;
  /** End of a sealed session, ms since 1970; null while it is open. */
  readonly sealedMs: number | null;
  readonly recordedMs: number;
  /** True when the driver's app has ended its run. */
  readonly closed: boolean;
  /** False when this page has no server. */
  readonly connected: boolean;
}

const STOPPED: ReadonlySet<LinkKind> = new Set(["stale", "silent", "lost", "closed", "away"]);

export const STALE_MS = 2000;
export const LOST_MS = 10_000;
export const UNSTORED_MS = 8000;

export function linkOf(signs: Signs): Link {
  const { driver, quietMs, unseenMs } = signs;
  if (signs.sealedMs !== null) {
    const day = calendarDay(signs.sealedMs);
    return { kind: "recorded", words: `Recorded ${day}, ${duration(signs.recordedMs)}` };
  }
  if (!signs.connected) return { kind: "away", words: "Unknown: this page has no server" };
  if (quietMs === Infinity && unseenMs === Infinity) {
    return { kind: "none", words: `Waiting for ${driver}` };
  }
  if (signs.unstoredMs >= UNSTORED_MS && unseenMs < LOST_MS) {
    const mode = quietMs < STALE_MS ? "Live" : "Link up";
    const since = duration(signs.unstoredMs);
    return { kind: "unstored", words: `${mode} · not stored for ${since}` };
  }
  if (!signs.kept && unseenMs < LOST_MS) {
    const mode = quietMs < STALE_MS ? "Live" : "Link up";
    return { kind: "unkept", words: `${mode} · not kept on ${driver}'s disk` };
  }
  if (quietMs < STALE_MS) return flowing(signs.ageMs);
  if (signs.closed) return { kind: "closed", words: `${driver} has closed the app` };
  if (unseenMs < LOST_MS) {
    return quietMs < LOST_MS
      ? { kind: "stale", words: `No samples for ${brief(quietMs)}` }
      : { kind: "silent", words: silence(quietMs) };
  }
  const since = Math.min(quietMs, unseenMs);
  return { kind: "lost", words: `Link lost ${duration(since)}` };
}

/** Return whether samples stopped that should arrive: values on screen are then held. */
export function stopped(kind: LinkKind | undefined): boolean {
  return kind !== undefined && STOPPED.has(kind);
}

/** Return whether samples arrive, and somebody has to know what is wrong with them. */
export function alarming(kind: LinkKind | undefined): boolean {
  return kind === "late" || kind === "unstored" || kind === "unkept";
}

/** The notice over the traces while a link is lost. */
export function lostWords(driver: string, quietMs: number): string {
  return `Link to ${driver} lost ${duration(quietMs)}. The hole may fill when the link returns.`;
}

function flowing(ageMs: number): Link {
  if (!Number.isFinite(ageMs)) return { kind: "live", words: "Live · age unknown" };
  const kind = ageMs <= 500 ? "live" : "late";
  return { kind, words: `Live · ${fixed(ageMs / 1000, ageMs < 1000 ? 2 : 1)} s behind the car` };
}

function silence(quietMs: number): string {
  if (quietMs === Infinity) return "Link up, the game has sent nothing yet";
  return `Link up, the game is silent for ${duration(quietMs)}`;
}

export function retryWords(inMs: number): string {
  const seconds = Math.ceil(inMs / 1000);
  return seconds > 0
    ? `This page lost the server. Trying again in ${seconds} s.`
    : "This page lost the server. Trying again now.";
}

export function stoppedWords(driver: string, sinceMs: number, inPits: boolean): string {
  const where = inPits ? "is in the garage" : "stands still";
  return `${driver} ${where} since ${hourMinute(sinceMs)}`;
}
