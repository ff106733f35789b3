/** The clock of a view: every widget of it shows the instant `t`, none the latest sample. */

export type Mode = "live" | "paused" | "replay";

/** `t` is the instant on screen by the hub's clock; `t`, `delay` and `window` are in ms. */
export interface Clock {
  readonly mode: Mode;
  readonly t: number;
  readonly rate: number;
  readonly delay: number;
  readonly window: number;
}

export const MIN_DELAY_MS = 100;
export const MAX_DELAY_MS = 440;
const WINDOW_MS = 12 * 60_000;
const MARGIN_MS = 35;
const SLEW = 0.05;

export function liveClock(t: number): Clock {
  return { mode: "live", t, rate: 1, delay: 180, window: WINDOW_MS };
}

export function pausedClock(t: number): Clock {
  return { ...liveClock(t), mode: "paused" };
}

/** Return the clock after `elapsedMs`; live is replay at `hubNow - delay`. */
export function advanced(clock: Clock, hubNow: number, elapsedMs: number): Clock {
  switch (clock.mode) {
    case "live":
      return { ...clock, t: hubNow - clock.delay };
    case "replay":
      return { ...clock, t: clock.t + elapsedMs * clock.rate };
    case "paused":
      return clock;
  }
}

/** Move the delay towards the need of late chunks, so slowly that no change of speed is visible. */
export function eased(clock: Clock, worstArrivalMs: number, elapsedMs: number): Clock {
  const wanted = Math.min(MAX_DELAY_MS, Math.max(MIN_DELAY_MS, worstArrivalMs + MARGIN_MS));
  const step = Math.min(Math.abs(wanted - clock.delay), elapsedMs * SLEW);
  return { ...clock, delay: clock.delay + Math.sign(wanted - clock.delay) * step };
}

/** The delay of the latest chunk to arrive in the last ten to twenty seconds. */
export class Arrivals {
  private recent = 0;
  private before = 0;
  private turned = 0;

  add(lateMs: number, now: number): void {
    if (now - this.turned > 10_000) {
      this.before = now - this.turned > 20_000 ? 0 : this.recent;
      this.recent = 0;
      this.turned = now;
    }
    this.recent = Math.max(this.recent, lateMs);
  }

  get worst(): number {
    return Math.max(this.recent, this.before);
  }
}
