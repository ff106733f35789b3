import { expect, test } from "vitest";
import { TrackMap, type MapCar, type MapScene } from "../../src/draw/map";
import { trackOutline } from "../../src/core/lap/outline";
import { COLOURS, RecordingContext } from "../fakes/canvas";
import { track } from "../fakes/coach";

/** A square track of 100 m, driven from the lower left corner to the right. */
const outline = { x: Float32Array.of(0, 100, 100, 0), y: Float32Array.of(0, 0, 100, 100) };

function mapOf() {
  const path: (readonly number[])[] = [];
  const calls = { lineTo: (...at: number[]) => path.push(at), closePath: () => path.push([]) };
  const map = new TrackMap(() => calls as unknown as Path2D);
  const draw = (changes: Partial<MapScene> = {}, width = 252, height = width) => {
    const recording = new RecordingContext();
    const scene: MapScene = {
      ...{ outline, closed: false, cars: [], cursor: null, track: null },
      ...changes,
    };
    map.draw(recording.surface(width, height), scene, COLOURS);
    return recording;
  };
  return { draw, path };
}

const car = (changes: Partial<MapCar> = {}): MapCar => ({
  name: "#8",
  x: 50,
  y: 50,
  own: false,
  lost: false,
  ...changes,
});

test("the outline fills its box inside the margin, with y upwards", () => {
  const { draw, path } = mapOf();
  draw();
  expect(path).toEqual([
    [26, 226],
    [226, 226],
    [226, 26],
    [26, 26],
  ]);
});

test("a whole lap is turned to fill its box, an outline that still grows is not", () => {
  const flat = { x: Float32Array.of(0, 100, 100), y: Float32Array.of(0, 0, 1) };
  const lengthOf = (closed: boolean) => {
    const { draw, path } = mapOf();
    draw({ outline: flat, closed }, 152, 452);
    const [[x0, y0], [x1, y1]] = path;
    return Math.hypot(x1 - x0, y1 - y0);
  };
  expect(lengthOf(false)).toBeCloseTo(100);
  expect(lengthOf(true)).toBeGreaterThan(350);
});

test("the path is traced once, and again in another size", () => {
  const { draw, path } = mapOf();
  draw();
  draw();
  expect(path).toHaveLength(4);
  draw({}, 300);
  expect(path).toHaveLength(8);
});

test("a whole lap is closed and has a start line across the track", () => {
  const { draw, path } = mapOf();
  const recording = draw({ closed: true });
  expect(path.at(-1)).toEqual([]);
  const [[x0, y0], [x1, y1]] = [recording.of("moveTo")[0], recording.of("lineTo")[0]] as number[][];
  const [startX, startY] = path[0];
  expect([(x0 + x1) / 2, (y0 + y1) / 2]).toEqual([startX, startY]);
  expect(Math.hypot(x1 - x0, y1 - y0)).toBeCloseTo(18);
  expect(mapOf().draw().of("moveTo")).toEqual([]);
});

test("our car is a filled dot with a halo at its place, drawn over the others", () => {
  const { draw } = mapOf();
  const recording = draw({ cars: [car({ own: true, x: 100, y: 0 }), car()] });
  const arcs = recording.of("arc") as number[][];
  expect(arcs.map(([x, y, radius]) => [x, y, radius])).toEqual([
    [126, 126, 5],
    [226, 226, 11],
    [226, 226, 6],
  ]);
  expect(recording.of("fill", "ink")).toHaveLength(1);
});

test("a car without samples is a dashed ring, one with samples a whole one", () => {
  const { draw } = mapOf();
  const rings = draw({ cars: [car({ lost: true }), car({ x: 0 })] }).calls("stroke", "ink-2");
  expect(rings.map((ring) => ring.lineDash)).toEqual([[3, 3], []]);
  const own = draw({ cars: [car({ own: true, lost: true })] });
  expect(own.calls("stroke", "ink").map((ring) => ring.lineDash)).toEqual([[3, 3]]);
});

test("a car whose place is not known is not drawn", () => {
  const recording = mapOf().draw({ cars: [car({ x: NaN }), car({ own: true, y: NaN })] });
  expect(recording.of("arc")).toEqual([]);
  expect(recording.texts).toEqual([]);
});

test("names stand beside their cars, and move to a free side where cars are close", () => {
  const alone = mapOf().draw({ cars: [car()] });
  expect(alone.of("fillText")).toEqual([["#8", 126, 144]]);
  const together = mapOf().draw({ cars: [car(), car({ name: "#9" })] });
  const places = together.of("fillText") as [string, number, number][];
  expect(places.map(([name]) => name)).toEqual(["#8", "#9"]);
  const [[, x0, y0], [, x1, y1]] = places;
  expect(Math.hypot(x1 - x0, y1 - y0)).toBeGreaterThan(20);
});

test("the cursor is circled at its place", () => {
  const recording = mapOf().draw({ cursor: [0, 100] });
  expect(recording.of("arc")[0].slice(0, 3)).toEqual([26, 26, 8]);
});

test("corners are named outside of the line", () => {
  const around = track();
  const line = trackOutline(around);
  const recording = mapOf().draw({ outline: line, closed: true, track: around });
  const names = recording.of("fillText") as [string, number, number][];
  expect(names.map(([name]) => name)).toEqual(["T1", "T2"]);
  for (const [, left, top] of names) expect(Math.hypot(left - 126, top - 126)).toBeGreaterThan(110);
});

test("without an outline nothing is drawn", () => {
  expect(mapOf().draw({ outline: null, cars: [car()] }).drawn).toEqual([]);
});
