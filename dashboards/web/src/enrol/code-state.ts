/** The state of an enrolment code: pure. */

import type { EnrolmentCode, EnrolmentState } from "../wire";

export type CodeState =
  /** `typed` is false once too many wrong guesses have closed the short code. */
  | { readonly kind: "open"; readonly leftMs: number; readonly typed: boolean }
  | { readonly kind: "used"; readonly pc: string }
  | { readonly kind: "expired" }
  | { readonly kind: "replaced" };

/**
 * Return the state of a code that was made here. `known` is the hub's answer about the driver's
 * last code, null without one; `leftMs` is counted by the page.
 */
export function stateOf(
  made: EnrolmentCode,
  known: EnrolmentState | null,
  leftMs: number,
): CodeState {
  if (known && known.begins !== made.code.slice(0, 2)) return { kind: "replaced" };
  if (known?.used) return { kind: "used", pc: known.pc };
  const left = known ? known.expires_s * 1000 : leftMs;
  if (left <= 0) return { kind: "expired" };
  return { kind: "open", leftMs: left, typed: known === null || known.tries_left > 0 };
}
