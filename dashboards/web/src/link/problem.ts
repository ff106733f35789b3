/** Reasons of a refusal, as sentences for people. */

import type { Problem } from "../wire";

/** The rules of fields that people fill in; the server states them as regular expressions. */
const RULES: Readonly<Record<string, string>> = {
  name: "A name has 2 to 32 small letters, digits, dots, dashes or underscores.",
  driver: "A driver's name has up to 64 letters, digits, dashes or underscores.",
};
/** The start of the server's messages that show a type or a regular expression. */
const FOR_PROGRAMS = "Expected `";

/** Return the reason of a refusal as a sentence. */
export async function problem(response: Response | null): Promise<string> {
  if (!response) return "The hub does not answer, try again.";
  const answer = (await response.json().catch(() => null)) as Problem | null;
  return answer?.detail ? sentence(answer.detail) : `The hub answers ${response.status}.`;
}

/** Put a rule in words where the server's detail shows a type or a regular expression. */
export function sentence(detail: string): string {
  if (!detail.includes(FOR_PROGRAMS)) return detail.charAt(0).toUpperCase() + detail.slice(1);
  const field = /^(\w+): /.exec(detail)?.[1] ?? "";
  return RULES[field] ?? `The hub does not accept this value${field && ` of ${field}`}.`;
}
