import { expect, test } from "vitest";
import { type Signs, linkOf, retryWords } from "../../../src/core/link/link-state";

const signs: Signs = {
  driver: "MOR",
  ageMs: 180,
  quietMs: 20,
  unseenMs: 100,
  unstoredMs: 400,
  kept: true,
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

test("a driver without any message is waited for, and a page without a server claims nothing", () => {
  const never = { ...signs, quietMs: Infinity, unseenMs: Infinity };
  expect(linkOf(never).words).toBe("Waiting for MOR");
  expect(linkOf({ ...signs, connected: false }).kind).toBe("away");
  expect(retryWords(3400)).toBe("This page lost the server. Trying again in 4 s.");
});

test("a hub that takes samples and stores none is said, also while the game is silent", () => {
  const unstored = { ...signs, unstoredMs: 12_000 };
  expect(linkOf(unstored)).toEqual({
    kind: "unstored",
    words: "Live · not stored for 0:12",
  });
  const silent = linkOf({ ...unstored, quietMs: 42_000 });
  expect(silent.words).toBe("Link up · not stored for 0:12");
  expect(linkOf({ ...unstored, quietMs: 42_000, unseenMs: 42_000 }).kind).toBe("lost");
});

test("a PC whose disk keeps nothing is said while it sends", () => {
  const unkept = { ...signs, kept: false };
  expect(linkOf(unkept)).toEqual({ kind: "unkept", words: "Live · not kept on MOR's disk" });
  expect(linkOf({ ...unkept, quietMs: 42_000 }).words).toBe("Link up · not kept on MOR's disk");
  expect(linkOf({ ...unkept, quietMs: 42_000, unseenMs: 42_000 }).kind).toBe("lost");
});
