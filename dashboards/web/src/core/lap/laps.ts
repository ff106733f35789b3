/** A driver's laps: order, best, reference, fuel, remarks. Pure. */

import { LAP_DEFAULTS, type Lap, type SentLap } from "../../wire";

export function whole(sent: SentLap): Lap {
  return { ...LAP_DEFAULTS, ...sent };
}

/** Add a lap, or replace its earlier revision; laps stay in the order they were driven. */
export function withLap(laps: readonly Lap[], lap: Lap): readonly Lap[] {
  const others = laps.filter((other) => other.lap_number !== lap.lap_number);
  return [...others, lap].sort(byRun);
}

/** Order by run first, because a restarted app may count laps anew. */
function byRun(a: Lap, b: Lap): number {
  return a.run - b.run || a.lap_number - b.lap_number;
}

export function finished(lap: Lap): boolean {
  return lap.lap_time_s !== null;
}

/** Return whether a lap can be compared with: it is finished, counts, and touches no pit lane. */
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

/** Return the reference lap: the best one without a missing frame. */
export function referenceLap(laps: readonly Lap[]): Lap | null {
  return bestLap(laps.filter((lap) => lap.complete && lap.started_ns !== null));
}

export function lastLap(laps: readonly Lap[]): Lap | null {
  return laps.findLast(finished) ?? null;
}

/** Return the lap at whose end a finished race is shown: the last complete one. */
export function closingLap(laps: readonly Lap[]): Lap | null {
  const ended = laps.filter(
    (lap) => finished(lap) && lap.started_ns !== null && lap.ended_ns !== null,
  );
  return ended.findLast((lap) => lap.complete) ?? ended.at(-1) ?? null;
}

/** Return the begin of the lap at an instant, in ms; null when timing has none. */
export function begunMs(laps: readonly Lap[], atMs: number): number | null {
  const lap = begunBefore(laps, atMs);
  return lap?.started_ns == null || endedBefore(lap, atMs) ? null : lap.started_ns / 1e6;
}

/**
 * Return the number of the lap at an instant as timing counts, which continues where a restarted
 * game counts anew; NaN when timing has no lap.
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

/** Return the fuel of one lap: the median of the newest five clean laps, NaN without one. */
export function fuelPerLap(laps: readonly Lap[]): number {
  const used = laps.filter(clean).flatMap((lap) => (lap.fuel_used ? [lap.fuel_used] : []));
  return median(used.slice(-5));
}

/** Return the reason for not counting a lap, in words; "" for one that counts. */
export function remark(lap: Lap): string {
  if (!finished(lap)) return lap.pit ? "in the pits" : "";
  if (lap.out_lap && lap.in_lap) return "out and in";
  if (lap.out_lap) return "out lap";
  if (lap.in_lap) return "in lap";
  if (!lap.valid) return "does not count";
  if (!lap.complete) return "incomplete";
  return lap.pit ? "pit" : "";
}
