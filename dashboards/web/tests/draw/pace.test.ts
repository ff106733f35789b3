import { expect, test } from "vitest";
import { drawPace } from "../../src/draw/pace";
import type { Lap } from "../../src/wire";
import { COLOURS, RecordingContext } from "../fakes/canvas";
import { lap } from "../fakes/laps";

function drawn(laps: readonly Lap[], reference = NaN): RecordingContext {
  const recording = new RecordingContext();
  drawPace(recording.surface(400, 60), laps, reference, COLOURS);
  return recording;
}

test("each lap is a dot, a slower one is higher, and the median is in the middle", () => {
  const dots = drawn([lap(1, 91), lap(2, 90), lap(3, 89)]).of("arc") as number[][];
  const [slow, median, fast] = dots.map(([, y]) => y);
  expect(median).toBe(30);
  expect(slow).toBeLessThan(median);
  expect(fast).toBeGreaterThan(median);
  const steps = dots.map(([x]) => x);
  expect(steps[2] - steps[1]).toBeCloseTo(steps[1] - steps[0]);
});

test("a lap that does not count is hollow and moves no scale", () => {
  const recording = drawn([lap(1, 90), lap(2, 91), lap(3, 300, { valid: false }), lap(4, 90)]);
  expect(recording.calls("fill").map((drawn) => drawn.fillStyle)).toEqual([
    "ink-2",
    "ink-2",
    "bg",
    "ink-2",
  ]);
  const dots = recording.of("arc") as number[][];
  expect(dots[2][1]).toBe(5);
  expect(dots[0][1] - dots[1][1]).toBeGreaterThan(15);
});

test("one very slow lap does not flatten the others", () => {
  const dots = drawn([lap(1, 90), lap(2, 91), lap(3, 90), lap(4, 150)]).of("arc") as number[][];
  expect(dots[0][1] - dots[1][1]).toBeGreaterThan(3);
  expect(dots[3][1]).toBe(5);
});

test("the reference is a whole line, the median a dotted one", () => {
  const lines = drawn([lap(1, 90), lap(2, 91)], 89.5).calls("stroke");
  expect(lines.map((drawn) => [drawn.strokeStyle, drawn.lineDash])).toEqual([
    ["line-strong", [2, 5]],
    ["ref", []],
  ]);
});

test("every dot stays within the canvas", () => {
  const laps = Array.from({ length: 20 }, (_, i) => lap(i, 90 + (i % 7) * 5));
  for (const [x, y] of drawn(laps, 80).of("arc") as number[][]) {
    expect(x > 3 && x < 397 && y > 2 && y < 58).toBe(true);
  }
});

test("without a lap that counts nothing is drawn", () => {
  expect(drawn([lap(1, 90, { out_lap: true })], 89).drawn).toEqual([]);
});
