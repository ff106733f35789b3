import { expect, test } from "vitest";
import { NOTHING, type Coverage } from "../../src/core/samples/holes";
import { drawTimeline, type TimelineScene } from "../../src/draw/timeline";
import { COLOURS, RecordingContext } from "../fakes/canvas";
import { lap } from "../fakes/laps";

/** 600 px for 600 s, so that one px is one second; 12 px stay free for the playhead. */
const WIDTH = 612;
const NOW = 10_000_000;
const second = (px: number) => NOW - 600_000 + px * 1000;

function drawn(changes: Partial<TimelineScene> = {}, height = 50): RecordingContext {
  const recording = new RecordingContext();
  const scene: TimelineScene = {
    now: NOW,
    window: 600_000,
    coverage: { ...NOTHING, span: [second(100), NOW] },
    laps: [],
    offset: 0,
    live: true,
    ...changes,
  };
  drawTimeline(recording.surface(WIDTH, height), scene, COLOURS);
  return recording;
}

const hole = { run: 1, first: 1, last: 2, gone: false };
const coverage = (changes: Partial<Coverage>): Coverage => ({
  ...NOTHING,
  span: [second(100), NOW],
  ...changes,
});

test("the recorded part of the window is filled", () => {
  expect(drawn().of("fillRect", "track")).toEqual([[100, 20, 500, 10]]);
});

test("a part recorded before the window is cut off at its edge", () => {
  const recording = drawn({ coverage: coverage({ span: [second(-300), NOW] }) });
  expect(recording.of("fillRect", "track")).toEqual([[0, 20, 600, 10]]);
});

test("a hole is cleared, hatched and outlined where its samples are missing", () => {
  const holes = [{ ...hole, from: second(200), to: second(260) }];
  const recording = drawn({ coverage: coverage({ holes }) });
  expect(recording.of("fillRect", "bg")).toEqual([[200, 20, 60, 10]]);
  expect(recording.of("rect")).toEqual([[200, 20, 60, 10]]);
  expect(recording.of("strokeRect", "line-strong")).toEqual([[200.5, 20.5, 59, 9]]);
});

test("a hole of a moment is wide enough to see", () => {
  const holes = [{ ...hole, from: second(200), to: second(200.1) }];
  expect(drawn({ coverage: coverage({ holes }) }).of("fillRect", "bg")).toEqual([[200, 20, 2, 10]]);
});

test("live time without samples is a hole that grows, a pause of less than a second is none", () => {
  const silent = coverage({ span: [second(100), second(570)] });
  expect(drawn({ coverage: silent }).of("fillRect", "bg")).toEqual([[570, 20, 30, 10]]);
  expect(drawn({ coverage: silent, live: false }).of("fillRect", "bg")).toEqual([]);
  const pause = coverage({ span: [second(100), second(599.5)] });
  expect(drawn({ coverage: pause }).of("fillRect", "bg")).toEqual([]);
});

test("parts that arrived late are underlined", () => {
  const recording = drawn({ coverage: coverage({ late: [[second(200), second(260)]] }) });
  expect(recording.of("fillRect", "ink")[0]).toEqual([200, 27, 60, 2]);
});

test("the playhead stands at the end, paler when the clock is not live", () => {
  expect(drawn().of("fillRect", "ink")).toContainEqual([599, 6, 2, 32]);
  expect(drawn({ live: false }).of("fillRect", "ink-2")).toContainEqual([599, 6, 2, 32]);
});

test("laps begin with a line, their number and, where there is room, their time", () => {
  const laps = [
    lap(1, 90.5, { started_ns: second(100) * 1e6 }),
    lap(2, 91.5, { started_ns: second(300) * 1e6 }),
    lap(3, null, { started_ns: second(340) * 1e6 }),
    lap(4, null, { started_ns: second(590) * 1e6 }),
  ];
  const recording = drawn({ laps });
  expect(recording.of("fillRect", "ink-2").map(([left]) => left)).toEqual([100, 300, 340, 590]);
  expect(recording.of("fillText")).toEqual([
    ["1", 106, 13],
    ["1:30.5", 118, 13],
    ["2", 306, 13],
    ["3", 346, 13],
  ]);
});

test("a tall timeline shows the whole session below, with times of day by the hub's clock", () => {
  const start = second(-600);
  const offset = new Date(2026, 10, 28, 12, 0, 0).getTime() - NOW;
  const recording = drawn({ coverage: coverage({ span: [start, NOW] }), offset }, 112);
  expect(recording.of("fillRect", "track")).toEqual([
    [0, 20, 600, 10],
    [0, 86, 600, 8],
  ]);
  expect(recording.texts).toEqual(["11:40", "11:45", "11:50", "11:55", "12:00"]);
  expect(recording.of("fillText").map(([, left]) => left)).toEqual([0, 150, 300, 450, 600]);
  expect(recording.of("lineTo")).toContainEqual([300, 83]);
});
