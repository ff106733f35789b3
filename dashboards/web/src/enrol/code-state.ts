/** What became of an enrolment code: pure. */

import type { EnrolmentCode, EnrolmentState } from "../wire";

export type CodeState =
  /** `typed` says that the short one is still good: wrong guesses end it. */
  | { readonly kind: "open"; readonly leftMs: number; readonly typed: boolean }
  | { readonly kind: "used"; readonly pc: string }
  | { readonly kind: "expired" }
  | { readonly kind: "replaced" };

/** `known` is of the last code of its driver, null without an answer; `leftMs` as counted here. */
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
