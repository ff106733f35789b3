import { expect, test } from "vitest";
import { type Healing, healed, noticeOf, share } from "../../../src/core/samples/healing";

test("the notice about a hole waits, shows share and time left, says that it is filled, and goes", () => {
  let story: Healing | null = healed(null, { missingMs: 120_000, chunks: 100, at: 0 });
  expect(noticeOf(story!, "MOR", 0, 0).rest).toBe("Waiting for MOR's PC to send it.");
  story = healed(story, { missingMs: 118_000, chunks: 99, at: 10_000 });
  story = healed(story, { missingMs: 60_000, chunks: 52, at: 23_000 });
  expect(share(story!)).toBeCloseTo(0.48);
  const notice = noticeOf(story!, "MOR", 23_000, 0);
  expect(`${notice.head} ${notice.progress}`).toBe("Filling a hole of 2:00. 48% · 14 s");
  story = healed(story, { missingMs: 0, chunks: 0, at: 30_000 });
  const done = noticeOf(story!, "MOR", 30_000, 0);
  expect(`${done.head} ${done.rest}`).toBe("Hole of 2:00 filled. 0 samples lost.");
  expect(healed(story, { missingMs: 0, chunks: 0, at: 36_000 })).toBeNull();
});
