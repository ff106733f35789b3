import { expect, test } from "vitest";
import { Ring } from "../../../src/core/samples/ring";

const times = (...values: number[]) => Float64Array.from(values);
const rows = (...values: number[]) => Float32Array.from(values);
const held = (ring: Ring) => [...ring.times.subarray(ring.start, ring.end)];

test("a full ring keeps the newest samples", () => {
  const ring = new Ring(["speed"], 4);
  for (let i = 0; i < 50; i += 1) ring.addRows(times(i), ["speed"], rows(10 * i));
  expect(held(ring)).toEqual([46, 47, 48, 49]);
  expect([...ring.column("speed").subarray(ring.start, ring.end)]).toEqual([460, 470, 480, 490]);
});

test("late samples go to their place, and the revision grows", () => {
  const ring = new Ring(["speed"], 10);
  ring.addRows(times(1, 2, 7, 8), ["speed"], rows(1, 2, 7, 8));
  const before = ring.revision;
  ring.addRows(times(3, 4, 5), ["speed"], rows(3, 4, 5));
  expect(held(ring)).toEqual([1, 2, 3, 4, 5, 7, 8]);
  expect([...ring.column("speed").subarray(ring.start, ring.end)]).toEqual([1, 2, 3, 4, 5, 7, 8]);
  expect(ring.revision).toBeGreaterThan(before);
});

test("the same samples a second time change nothing", () => {
  const ring = new Ring(["speed"], 10);
  ring.addRows(times(1, 2, 3), ["speed"], rows(1, 2, 3));
  ring.addRows(times(2, 3, 4), ["speed"], rows(2, 3, 4));
  expect(held(ring)).toEqual([1, 2, 3, 4]);
  expect(ring.revision).toBe(0);
});

test("random pieces merge like a sorted list of the newest", () => {
  let seed = 7;
  const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
  for (let round = 0; round < 30; round += 1) {
    const ring = new Ring(["value"], 32);
    const all = new Set<number>();
    for (let piece = 0; piece < 20; piece += 1) {
      const first = random(60);
      const some = Array.from({ length: 1 + random(6) }, (_, i) => first + i);
      const oldest = ring.length === 32 ? ring.firstTime : -Infinity;
      ring.addRows(Float64Array.from(some), ["value"], Float32Array.from(some));
      for (const value of some) if (value > oldest) all.add(value);
      const expected = [...all].sort((a, b) => a - b).slice(-32);
      for (const value of [...all]) if (!expected.includes(value)) all.delete(value);
      expect(held(ring)).toEqual(expected);
      expect([...ring.column("value").subarray(ring.start, ring.end)]).toEqual(expected);
    }
  }
});

test("a channel that the car does not send is NaN, never 0", () => {
  const ring = new Ring(["speed", "gear"], 4);
  ring.addRows(times(1, 2), ["gear"], rows(3, 4));
  expect(ring.at("speed", 2)).toBeNaN();
  expect(ring.step("gear", 1.5)).toBe(3);
});

test("a value is interpolated between samples, held over a gap, and never extrapolated", () => {
  const ring = new Ring(["speed"], 10);
  ring.addRows(times(0, 100, 1000), ["speed"], rows(10, 20, 90));
  expect(ring.at("speed", 50)).toBe(15);
  expect(ring.at("speed", 500)).toBe(20);
  expect(ring.at("speed", 5000)).toBe(90);
  expect(ring.at("speed", -1)).toBeNaN();
});
