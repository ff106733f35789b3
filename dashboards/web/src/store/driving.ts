/** One driver at the instant of one clock: the lap so far, and whether the car stands. */

import { DrivenLap } from "../core/lap/driven-lap";
import { begunMs } from "../core/lap/laps";
import type { Ring } from "../core/samples/ring";
import type { Driver } from "./driver";

const STANDING_MPS = 0.3;
const STANDING_MS = 10_000;

export class Driving {
  lap: DrivenLap | null = null;
  /** Begin of the standstill, ms by the driver's clock; null while the car moves. */
  standing: number | null = null;
  private stoppedAt: number | null = null;
  private ring: Ring | null = null;

  constructor(readonly driver: Driver) {}

  /** Bring the lap up to an instant by the hub's clock. */
  advance(t: number): void {
    const { fast, laps } = this.driver;
    const at = t - this.driver.offsetMs;
    this.lap = this.lapOn(fast);
    this.lap.advance(fast, at, (instant) => begunMs(laps.peek(), instant));
    if (!(fast.at("speed", at) < STANDING_MPS)) this.stoppedAt = null;
    else this.stoppedAt ??= at;
    this.standing =
      this.stoppedAt !== null && at - this.stoppedAt > STANDING_MS ? this.stoppedAt : null;
  }

  /** Return the lap, a new one when the ring or the axis is another. */
  private lapOn(ring: Ring): DrivenLap {
    const lap = ring === this.ring ? this.lap : null;
    const axis = this.driver.axis(lap);
    this.ring = ring;
    return lap?.axis.kind === axis.kind && lap.axis.length === axis.length
      ? lap
      : new DrivenLap(axis);
  }
}
