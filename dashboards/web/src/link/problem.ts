/** Reasons of a refusal, as sentences for people. */

import type { Problem } from "../wire";

/** Fields as subjects of the server's details, such as "password: repeats itself". */
const SUBJECTS: Readonly<Record<string, string>> = {
  name: "The name",
  driver: "The driver",
  password: "The password",
  current: "This",
  code: "The code",
};
const PREDICATE = /^(?:it )?((?:is|was|has|must|repeats|takes)\b.*)$/s;

/** Return the reason of a refusal as a sentence. */
export async function problem(response: Response | null): Promise<string> {
  if (!response) return "The hub does not answer, try again.";
  const answer = (await response.json().catch(() => null)) as Problem | null;
  return answer?.detail ? sentence(answer.detail) : `The hub answers ${response.status}.`;
}

/** Make a sentence of a server's detail, "field: words" or words only. */
export function sentence(detail: string): string {
  const [, field = "", words = detail] = /^(\w+): (.*)$/s.exec(detail) ?? [];
  const subject = SUBJECTS[field];
  const [, predicate] = PREDICATE.exec(words) ?? [];
  if (subject && predicate) return `${subject} ${predicate}`;
  return capitalised(subject ? words : detail);
}

function capitalised(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
