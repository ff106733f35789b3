/** What the laps of a driver say: pure. */

import { LAP_DEFAULTS, type Lap, type SentLap } from "../../wire";

export function whole(sent: SentLap): Lap {
  return { ...LAP_DEFAULTS, ...sent };
}

/** Add a lap, or replace it: the gateway tells only what is news. In the order they were driven. */
export function withLap(laps: readonly Lap[], lap: Lap): readonly Lap[] {
  const others = laps.filter((other) => other.lap_number !== lap.lap_number);
  return [...others, lap].sort(byRun);
}

/** An app that was started again may count laps anew: its run decides first. */
function byRun(a: Lap, b: Lap): number {
  return a.run - b.run || a.lap_number - b.lap_number;
}

export function finished(lap: Lap): boolean {
  return lap.lap_time_s !== null;
}

/** Tell whether a lap can be compared with: it counts and is there from line to line. */
export function clean(lap: Lap): boolean {
  return finished(lap) && lap.valid && !lap.in_lap && !lap.out_lap && !lap.pit;
}

export function bestLap(laps: readonly Lap[]): Lap | null {
  let best: Lap | null = null;
  for (const lap of laps) {
    if (
      clean(lap) &&
      (best?.lap_time_s == null || (lap.lap_time_s ?? Infinity) < best.lap_time_s)
    ) {
      best = lap;
    }
  }
  return best;
}

/** The lap to draw in grey: the best one of which every frame is there. */
export function referenceLap(laps: readonly Lap[]): Lap | null {
  return bestLap(laps.filter((lap) => lap.complete && lap.started_ns !== null));
}

export function lastLap(laps: readonly Lap[]): Lap | null {
  return laps.findLast(finished) ?? null;
}

/** The lap that a race which is over is shown at the end of: the last whole one. */
export function closingLap(laps: readonly Lap[]): Lap | null {
  const ended = laps.filter(
    (lap) => finished(lap) && lap.started_ns !== null && lap.ended_ns !== null,
  );
  return ended.findLast((lap) => lap.complete) ?? ended.at(-1) ?? null;
}

/** When the lap at an instant began, in ms; null when timing has not said. */
export function begunMs(laps: readonly Lap[], atMs: number): number | null {
  const lap = begunBefore(laps, atMs);
  return lap?.started_ns == null || endedBefore(lap, atMs) ? null : lap.started_ns / 1e6;
}

/**
 * The number of the lap at an instant, as timing counts: it goes on where a game that was started
 * again counts anew. NaN when timing knows of none.
 */
export function lapNumberAt(laps: readonly Lap[], atMs: number): number {
  const lap = begunBefore(laps, atMs);
  if (!lap) return NaN;
  return endedBefore(lap, atMs) ? lap.lap_number + 1 : lap.lap_number;
}

function begunBefore(laps: readonly Lap[], atMs: number): Lap | null {
  return laps.findLast((lap) => lap.started_ns !== null && lap.started_ns / 1e6 <= atMs) ?? null;
}

function endedBefore(lap: Lap, atMs: number): boolean {
  return lap.ended_ns !== null && lap.ended_ns / 1e6 <= atMs;
}

export function median(values: readonly number[]): number {
  if (!values.length) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Fuel that a lap takes: the median of the newest five clean laps, NaN without one. */
export function fuelPerLap(laps: readonly Lap[]): number {
  const used = laps.filter(clean).flatMap((lap) => (lap.fuel_used ? [lap.fuel_used] : []));
  return median(used.slice(-5));
}

/** Why a lap stands aside, in words; empty when it does not. */
export function remark(lap: Lap): string {
  if (!finished(lap)) return lap.pit ? "in the pits" : "";
  if (lap.out_lap && lap.in_lap) return "out and in";
  if (lap.out_lap) return "out lap";
  if (lap.in_lap) return "in lap";
  if (!lap.valid) return "does not count";
  if (!lap.complete) return "not whole";
  return lap.pit ? "pit" : "";
}
