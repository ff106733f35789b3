/** Reasons of a refusal, as sentences for people. */

import type { Problem } from "../wire";

/** The rules of fields that people fill in; the server states them as regular expressions. */
const RULES: Readonly<Record<string, string>> = {
  name: "A name has 2 to 32 small letters, digits, dots, dashes or underscores.",
  driver: "A driver's name has up to 64 letters, digits, dashes or underscores.",
};
/** The start of the server's messages that show a type or a regular expression. */
const FOR_PROGRAMS = "Expected `";

/** Fields as subjects of the server's details, such as "password: repeats itself". */
const SUBJECTS: Readonly<Record<string, string>> = {
  name: "The name",
  driver: "The driver",
  password: "The password",
  current: "This",
  code: "The code",
};
const PREDICATE = /^(is|was|has|must|repeats)\b/;

/** Return the reason of a refusal as a sentence. */
export async function problem(response: Response | null): Promise<string> {
  if (!response) return "The hub does not answer, try again.";
  const answer = (await response.json().catch(() => null)) as Problem | null;
  return answer?.detail ? sentence(answer.detail) : `The hub answers ${response.status}.`;
}

/** Make a sentence of a server's detail, "field: words" or words only. */
export function sentence(detail: string): string {
  const [, field = "", words = detail] = /^(\w+): (.*)$/s.exec(detail) ?? [];
  if (detail.includes(FOR_PROGRAMS))
    return RULES[field] ?? `The hub does not accept this value${field && ` of ${field}`}.`;
  const subject = SUBJECTS[field];
  if (subject && PREDICATE.test(words)) return `${subject} ${words}`;
  return capitalised(subject ? words : detail);
}

function capitalised(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
