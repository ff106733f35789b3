/** One lap on even steps of distance (or time), so that two laps compare point by point. */

import { GAP_MS } from "../samples/ring";

export const POINTS = 601;

export type Points = (number | null)[];

/** A stretch of the axis without samples. */
export type Stretch = readonly [from: number, to: number];

export class LapGrid {
  readonly columns: Points[];
  readonly elapsed: Points = blank();
  readonly holes: Stretch[] = [];
  /** The last point that has a value, -1 while there is none. */
  head = -1;
  private x = NaN;
  private t = NaN;
  private seconds = NaN;
  private values: number[] = [];

  /** `stepped` names columns that hold their value until the next one. */
  constructor(
    readonly length: number,
    readonly width: number,
    readonly stepped: ReadonlySet<number> = new Set(),
  ) {
    this.columns = Array.from({ length: width }, blank);
  }

  get step(): number {
    return this.length / (POINTS - 1);
  }

  /** The newest sample's place on the axis. */
  get position(): number {
    return this.x;
  }

  /** Seconds into the lap at the newest sample. */
  get secondsNow(): number {
    return this.seconds;
  }

  /** A column's value at the newest sample. */
  valueNow(column: number): number {
    return this.values[column] ?? NaN;
  }

  /** Take the next sample: place on the axis, ms, seconds into the lap, and a value per column. */
  add(x: number, t: number, seconds: number, values: readonly number[]): void {
    if (!Number.isFinite(x)) return;
    if (x < this.x) this.rewind(x);
    else if (Number.isFinite(this.x)) {
      if (t - this.t > GAP_MS) this.holes.push([this.x, x]);
      else this.fill(x, seconds, values);
    }
    this.x = x;
    this.t = t;
    this.seconds = seconds;
    this.values = [...values];
  }

  /** Return seconds into the lap at a place, NaN where it is unknown. */
  secondsAt(x: number): number {
    return this.between(this.elapsed, x);
  }

  /** Return a column's value at a place, NaN where it is unknown. */
  valueAt(column: number, x: number): number {
    return this.between(this.columns[column], x);
  }

  private between(points: Points, x: number): number {
    const place = x / this.step;
    const left = Math.floor(place);
    const a = points[left];
    const b = points[Math.min(left + 1, POINTS - 1)];
    if (a == null) return NaN;
    // Past the last point the slope continues; a lap never ends on a step.
    const slope = b == null ? a - (points[left - 1] ?? a) : b - a;
    return a + slope * (place - left);
  }

  private fill(x: number, seconds: number, values: readonly number[]): void {
    const first = Math.max(0, Math.ceil(this.x / this.step));
    const last = Math.min(POINTS - 1, Math.floor(x / this.step));
    const span = x - this.x;
    for (let point = first; point <= last; point++) {
      const share = span > 0 ? (point * this.step - this.x) / span : 1;
      this.elapsed[point] = known(this.seconds + (seconds - this.seconds) * share);
      for (let c = 0; c < this.width; c++) {
        const before = this.values[c];
        const value = this.stepped.has(c) ? before : before + (values[c] - before) * share;
        this.columns[c][point] = known(value);
      }
      this.head = Math.max(this.head, point);
    }
  }

  /** Clear the points ahead of `x`: the car went back, by a flashback or in reverse. */
  private rewind(x: number): void {
    const last = Math.max(-1, Math.floor(x / this.step));
    for (let point = last + 1; point <= this.head; point++) {
      this.elapsed[point] = null;
      for (const column of this.columns) column[point] = null;
    }
    this.head = Math.min(this.head, last);
    while (this.holes.length && this.holes[this.holes.length - 1][1] > x) this.holes.pop();
  }
}

export function blank(): Points {
  return new Array<number | null>(POINTS).fill(null);
}

function known(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
