import { expect, test } from "vitest";
import { removalWords, removedWords } from "../../src/core/retention";

const NOON = new Date(2026, 10, 30, 12, 0).getTime();

test("a removal is announced with its part and its time", () => {
  expect(removalWords({ part: "telemetry", at_ms: NOON })).toBe(
    "The telemetry of this session is removed on 30 Nov, 12:00; its laps stay.",
  );
  expect(removalWords({ part: "facts", at_ms: NOON })).toBe(
    "This session is deleted on 30 Nov, 12:00.",
  );
});

test("laps without traces are explained", () => {
  expect(removedWords(NOON)).toBe(
    "The telemetry of this session was removed on 30 Nov. Its laps stay.",
  );
});
