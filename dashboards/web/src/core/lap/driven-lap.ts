/** A car's current lap at a clock's instant, gathered from samples as time passes. */

import { STEPPED, TRACED } from "../samples/channels";
import { GAP_MS, type Ring } from "../samples/ring";
import { LapGrid } from "./lap-grid";

/** The axis of a lap: distance when the car sends it, else time. */
export interface Axis {
  readonly kind: "distance" | "time";
  /** Metres or seconds. */
  readonly length: number;
}

/** Return timing's begin of the lap at an instant, ms by the driver's clock; null when unknown. */
export type Begun = (atMs: number) => number | null;

export class DrivenLap {
  grid: LapGrid;
  number = NaN;
  /** Ms by the driver's clock; NaN while no sample and no lap of timing gives it. */
  startedMs = NaN;
  private until = -Infinity;
  private revision = -1;

  constructor(readonly axis: Axis) {
    this.grid = new LapGrid(axis.length, TRACED.length, STEPPED);
  }

  /** Take all samples up to `t`; begin anew when the lap changed or older samples came. */
  advance(ring: Ring, t: number, begun: Begun): void {
    if (ring.revision !== this.revision || t < this.until) {
      this.revision = ring.revision;
      this.until = lapStart(ring, t);
      this.begin(NaN, NaN);
    }
    const lap = ring.column("lap_number");
    const last = ring.search(t);
    for (let i = Math.max(ring.start, ring.search(this.until) + 1); i <= last; i++) {
      if (!Object.is(lap[i], this.number)) this.begin(lap[i], crossing(ring, i));
      if (Number.isNaN(this.startedMs)) this.startedMs = begun(ring.times[i]) ?? NaN;
      this.take(ring, i);
    }
    if (last >= ring.start) this.until = ring.times[last];
  }

  private begin(number: number, startedMs: number): void {
    this.number = number;
    this.startedMs = startedMs;
    this.grid = new LapGrid(this.axis.length, TRACED.length, STEPPED);
  }

  private take(ring: Ring, i: number): void {
    const t = ring.times[i];
    const seconds = secondsInto(ring.column("lap_time")[i], (t - this.startedMs) / 1000);
    const x = this.axis.kind === "distance" ? ring.column("lap_distance")[i] : seconds;
    this.grid.add(
      x,
      t,
      seconds,
      TRACED.map((channel) => ring.column(channel)[i]),
    );
  }
}

/** Return seconds into the lap: the sim's value, unless it was not reset at the line yet. */
export function secondsInto(simSeconds: number, sinceStart: number): number {
  return simSeconds > sinceStart + 1 || !Number.isFinite(simSeconds) ? sinceStart : simSeconds;
}

/** Return the time of the last sample before the lap at `t`, -Infinity when the ring lacks it. */
function lapStart(ring: Ring, t: number): number {
  const lap = ring.column("lap_number");
  const last = ring.search(t);
  if (last < ring.start) return -Infinity;
  let i = last;
  while (i > ring.start && Object.is(lap[i - 1], lap[last])) i -= 1;
  return i > ring.start ? ring.times[i - 1] : -Infinity;
}

/** Return the time of the crossing just before sample `i`, NaN when samples are missing there. */
function crossing(ring: Ring, i: number): number {
  const before = i - 1;
  if (before < ring.start || ring.times[i] - ring.times[before] > GAP_MS) return NaN;
  const simSeconds = ring.column("lap_time")[i];
  const frame = (ring.times[i] - ring.times[before]) / 1000;
  return ring.times[i] - (simSeconds <= 2 * frame ? simSeconds : frame / 2) * 1000;
}
