import { expect, test } from "vitest";
import {
  arrived,
  differs,
  goneMs,
  joined,
  missingMs,
  NOTHING,
  stored,
  afterSilence,
} from "../../../src/core/samples/holes";
import type { Presence } from "../../../src/wire";

const piece = (chunk: number, run = 1) => ({ run, chunk, from: chunk * 50, to: chunk * 50 + 33 });
const after = (...chunks: number[]) =>
  chunks.reduce((known, c) => arrived(known, piece(c)), NOTHING);
const presence = (missing: [number, number][], gone: [number, number][] = []): Presence => ({
  type: "wall.presence",
  session: "s",
  driver: "MOR",
  run: 1,
  seen_ms: 0,
  stored_ms: 0,
  offset_ms: 0,
  made: 0,
  waiting: 0,
  through: 0,
  closed: false,
  kept: true,
  refused: [],
  missing,
  gone,
});

test("neighbours leave no hole, whatever time lies between them", () => {
  const known = arrived(after(1, 2), { run: 1, chunk: 3, from: 9000, to: 9033 });
  expect(known.holes).toEqual([]);
  expect(known.span).toEqual([50, 9033]);
});

test("a jump of chunk numbers is a hole from the last sample to the next", () => {
  const { holes } = after(1, 2, 6);
  expect(holes).toEqual([{ run: 1, first: 3, last: 5, from: 133, to: 300, gone: false }]);
});

test("late chunks close a hole piece by piece, and stay marked as late", () => {
  let known = arrived(after(1, 2, 6), piece(4));
  expect(known.holes.map((hole) => [hole.first, hole.last])).toEqual([
    [3, 3],
    [5, 5],
  ]);
  known = [3, 5].reduce((all, chunk) => arrived(all, piece(chunk)), known);
  expect(known.holes).toEqual([]);
  expect(known.late).toEqual([[150, 283]]);
});

test("the same chunk twice changes nothing", () => {
  expect(arrived(after(1, 2), piece(2)).holes).toEqual([]);
});

test("a new run begins without a hole to the one before", () => {
  const known = arrived(after(1, 2), { run: 2, chunk: 0, from: 5000, to: 5033 });
  expect(known.holes).toEqual([]);
});

test("chunks sent while this page was not connected are no hole", () => {
  expect(arrived(afterSilence(after(1, 2)), piece(9)).holes).toEqual([]);
});

test("a hole that Postgres filled becomes late, one that is gone stays", () => {
  const gone = { driver: "MOR", run: 1, first_chunk: 20, last_chunk: 29, chunks: 10, refused: false, gone: true };
  const known = stored(after(1, 2, 6), [0, 300], [{ ...gone, from_ns: 1e9, to_ns: 1.5e9 }]);
  expect(known.late).toEqual([[133, 300]]);
  expect(missingMs(known)).toBe(0);
  expect(goneMs(known)).toBe(500);
});

test("a hole that Postgres has not decided yet stays open", () => {
  const known = stored(after(1, 2, 6), null, [], () => false);
  expect(known.holes).toHaveLength(1);
  expect(known.late).toEqual([]);
});

test("a hole that this page saw filled is not opened again", () => {
  const filled = [3, 4, 5].reduce((all, chunk) => arrived(all, piece(chunk)), after(1, 2, 6));
  const lagging = { driver: "MOR", run: 1, first_chunk: 4, last_chunk: 5, chunks: 2, refused: false, gone: false };
  expect(stored(filled, null, [{ ...lagging, from_ns: 183e6, to_ns: 283e6 }]).holes).toEqual([]);
});

test("a presence differs when it lists unknown holes, or none where some are known", () => {
  const known = after(1, 2, 6);
  expect(differs(known, presence([[3, 5]]))).toBe(false);
  expect(
    differs(
      known,
      presence([
        [3, 5],
        [9, 9],
      ]),
    ),
  ).toBe(true);
  expect(differs(known, presence([]))).toBe(true);
  expect(differs(known, presence([[3, 5]], [[0, 0]]))).toBe(true);
});

test("spans that touch become one, others stay apart in order", () => {
  expect(
    joined(
      [
        [0, 10],
        [9000, 9010],
      ],
      [20, 30],
    ),
  ).toEqual([
    [0, 30],
    [9000, 9010],
  ]);
});
