/** The track seen from above, turned so that it fills its box. */

import type { Track } from "../../wire";

export interface Outline {
  readonly x: Float32Array;
  readonly y: Float32Array;
}

export interface Fit {
  readonly cos: number;
  readonly sin: number;
  readonly scale: number;
  readonly left: number;
  readonly top: number;
}

interface Box {
  readonly minX: number;
  readonly maxX: number;
  readonly minY: number;
  readonly maxY: number;
}

const TURNS = 36;

/** Return the turn and scale at which an outline fills a box best, `margin` px inside it. */
export function fit(
  outline: Outline,
  width: number,
  height: number,
  margin: number,
  turns = TURNS,
): Fit | null {
  if (outline.x.length < 2 || width <= 2 * margin || height <= 2 * margin) return null;
  let best: Fit | null = null;
  for (let turn = 0; turn < turns; turn++) {
    const angle = (Math.PI * turn) / turns;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const box = turned(outline, cos, sin);
    const [wide, high] = [box.maxX - box.minX || 1, box.maxY - box.minY || 1];
    const scale = Math.min((width - 2 * margin) / wide, (height - 2 * margin) / high);
    if (!best || scale > best.scale * 1.001) {
      const left = width / 2 - (scale * (box.minX + box.maxX)) / 2;
      const top = height / 2 + (scale * (box.minY + box.maxY)) / 2;
      best = { cos, sin, scale, left, top };
    }
  }
  return best;
}

/** Return the px in the box (y down) of a place in metres (y up). */
export function placed(fit: Fit, x: number, y: number): readonly [number, number] {
  const turnedX = x * fit.cos - y * fit.sin;
  const turnedY = x * fit.sin + y * fit.cos;
  return [fit.left + fit.scale * turnedX, fit.top - fit.scale * turnedY];
}

/** Return the learned line of a track, null where no sim gave one. */
export function trackOutline({ line }: Track): Outline | null {
  if (line.length < 2) return null;
  return { x: Float32Array.from(line, ([x]) => x), y: Float32Array.from(line, ([, y]) => y) };
}

/** Keep known places about `step` metres apart. */
export function thinned(x: Float32Array, y: Float32Array, step: number): Outline {
  const keptX: number[] = [];
  const keptY: number[] = [];
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(x[i]) || !Number.isFinite(y[i])) continue;
    const last = keptX.length - 1;
    if (last < 0 || Math.hypot(x[i] - keptX[last], y[i] - keptY[last]) >= step) {
      keptX.push(x[i]);
      keptY.push(y[i]);
    }
  }
  return { x: Float32Array.from(keptX), y: Float32Array.from(keptY) };
}

function turned(outline: Outline, cos: number, sin: number): Box {
  let [minX, maxX, minY, maxY] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < outline.x.length; i++) {
    const x = outline.x[i] * cos - outline.y[i] * sin;
    const y = outline.x[i] * sin + outline.y[i] * cos;
    minX = Math.min(minX, x);
    maxX = Math.max(maxX, x);
    minY = Math.min(minY, y);
    maxY = Math.max(maxY, y);
  }
  return { minX, maxX, minY, maxY };
}
