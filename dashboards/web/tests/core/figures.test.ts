import { expect, test } from "vitest";
import { brief, duration, fixed, gearName, lapTime, ordinal, signed } from "../../src/core/figures";
import { healed, noticeOf, share, type Healing } from "../../src/core/samples/healing";
import { linkOf, retryWords, type Signs } from "../../src/core/link/link-state";

test("numbers carry a true minus, a difference its sign, and the unknown is a dash", () => {
  expect(fixed(-1.25, 1)).toBe("−1.3");
  expect(fixed(-0.001, 2)).toBe("0.00");
  expect(signed(0.2, 2)).toBe("+0.20");
  expect(signed(NaN, 2)).toBe("–");
  expect(fixed(null, 1)).toBe("–");
});

test("laps and durations read as people write them", () => {
  expect(lapTime(107.216)).toBe("1:47.22");
  expect(lapTime(119.999)).toBe("2:00.00");
  expect(lapTime(59.9999, 3)).toBe("1:00.000");
  expect(duration(42_900)).toBe("0:42");
  expect(duration(3_931_000)).toBe("1:05:31");
  expect(brief(34_000)).toBe("34 s");
  expect([gearName(-1), gearName(0), gearName(3), ordinal(12)]).toEqual(["R", "N", "3rd", "12th"]);
});

const signs: Signs = {
  driver: "MOR",
  ageMs: 180,
  quietMs: 20,
  unseenMs: 100,
  sealedMs: null,
  recordedMs: 0,
  closed: false,
  connected: true,
};

test("a link is live, late, stale and lost in turn, in words", () => {
  expect(linkOf(signs).words).toBe("Live · 0.18 s behind the car");
  expect(linkOf({ ...signs, ageMs: 1100 })).toEqual({
    kind: "late",
    words: "Live · 1.1 s behind the car",
  });
  expect(linkOf({ ...signs, quietMs: 3000, unseenMs: 3000 }).words).toBe("No samples for 3 s");
  expect(linkOf({ ...signs, quietMs: 42_000, unseenMs: 42_000 }).words).toBe("Link lost 0:42");
});

test("a game in a menu is not a lost link", () => {
  expect(linkOf({ ...signs, quietMs: 42_000, unseenMs: 1000 }).kind).toBe("silent");
});

test("an app that was closed is no lost link, and its last samples still count as live", () => {
  const closed = { ...signs, closed: true };
  expect(linkOf(closed).kind).toBe("live");
  const later = { ...closed, quietMs: 42_000, unseenMs: 42_000 };
  expect(linkOf(later)).toEqual({ kind: "closed", words: "MOR has closed the app" });
});

test("a driver never heard is waited for, and a page without server claims nothing", () => {
  const never = { ...signs, quietMs: Infinity, unseenMs: Infinity };
  expect(linkOf(never).words).toBe("Waiting for MOR");
  expect(linkOf({ ...signs, connected: false }).kind).toBe("away");
  expect(retryWords(3400)).toBe("This page lost the server. Trying again in 4 s.");
});

test("a hole is waited for, filled with share and time left, told as filled, and forgotten", () => {
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
