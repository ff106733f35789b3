/** Words for what retention removes, and has removed: pure. */

import type { Removal } from "../wire";
import { calendarDay, hourMinute } from "./figures";

/** Announce a removal: the part that goes, and when. */
export function removalWords(removal: Removal): string {
  const at = `${calendarDay(removal.at_ms)}, ${hourMinute(removal.at_ms)}`;
  return removal.part === "facts"
    ? `This session is deleted on ${at}.`
    : `The telemetry of this session is removed on ${at}; its laps stay.`;
}

/** Explain why a session has laps and no traces. */
export function removedWords(removedMs: number): string {
  return `The telemetry of this session was removed on ${calendarDay(removedMs)}. Its laps stay.`;
}
