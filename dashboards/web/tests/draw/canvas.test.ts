import { expect, test } from "vitest";
import { cleared, hatch } from "../../src/draw/canvas";
import { faded, paletteOf } from "../../src/draw/palette";
import { RecordingContext } from "../fakes/canvas";

function canvasOf(clientWidth: number, clientHeight: number) {
  const recording = new RecordingContext();
  const canvas = {
    clientWidth,
    clientHeight,
    width: 0,
    height: 0,
    getContext: () => recording.context,
  };
  return { recording, canvas: canvas as unknown as HTMLCanvasElement };
}

test("a canvas has the device's pixels, and is drawn on in CSS px", () => {
  const { recording, canvas } = canvasOf(301, 100);
  const surface = cleared(canvas, 1.5);
  expect([canvas.width, canvas.height]).toEqual([452, 150]);
  expect(surface).toMatchObject({ width: 301, height: 100 });
  expect(recording.of("setTransform")).toEqual([[1.5, 0, 0, 1.5, 0, 0]]);
  expect(recording.of("clearRect")).toEqual([[0, 0, 301, 100]]);
});

test("a canvas of the right size keeps its buffer", () => {
  const { canvas } = canvasOf(300, 100);
  cleared(canvas, 2);
  let resized = 0;
  Object.defineProperty(canvas, "width", { get: () => 600, set: () => (resized += 1) });
  cleared(canvas, 2);
  expect(resized).toBe(0);
});

test("hatching stays within its box and covers it with parallel lines", () => {
  const recording = new RecordingContext();
  hatch(recording.context, { left: 100, top: 20, width: 50, height: 10 }, "line-strong");
  expect(recording.of("rect")).toEqual([[100, 20, 50, 10]]);
  const order = recording.drawn.map((drawn) => drawn.call);
  expect(order.indexOf("clip")).toBeGreaterThan(order.indexOf("rect"));
  expect(order.indexOf("clip")).toBeLessThan(order.indexOf("moveTo"));
  expect(order.at(-1)).toBe("restore");
  const starts = recording.of("moveTo") as [number, number][];
  const ends = recording.of("lineTo") as [number, number][];
  starts.forEach(([x, y], i) => expect([ends[i][0] - x, ends[i][1] - y]).toEqual([10, -10]));
  expect(starts[0][0]).toBeLessThanOrEqual(90);
  expect(starts.at(-1)?.[0]).toBeGreaterThan(142);
});

test("the palette reads the style sheet's variables", () => {
  const palette = paletteOf((name) => (name === "--ink-2" ? " #b6bfcb" : ""));
  expect(palette["ink-2"]).toBe("#b6bfcb");
  expect(faded("#b6bfcb", 0.5)).toBe("#b6bfcb80");
  expect(faded("#b6bfcb", 0)).toBe("#b6bfcb00");
});
