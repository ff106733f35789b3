/** Gaps between cars: the time since the car ahead was at the place of the car behind. */

import type { Ring } from "../samples/ring";

/** Return completed laps plus the driven part of the current one at a sample; NaN when unknown. */
function progress(ring: Ring, i: number, trackLength: number): number {
  return ring.column("lap_number")[i] + ring.column("lap_distance")[i] / trackLength;
}

export function progressAt(ring: Ring, t: number, trackLength: number): number {
  const place = ring.search(t);
  return place < ring.start ? NaN : progress(ring, place, trackLength);
}

/**
 * Return the seconds since the car ahead passed the place `behind` of another car. `t` is by the
 * clock of the car ahead. NaN when it is not ahead, or when its samples begin later.
 */
export function gapSeconds(ahead: Ring, t: number, behind: number, trackLength: number): number {
  let i = ahead.search(t);
  if (!(progress(ahead, i, trackLength) >= behind)) return NaN;
  while (i > ahead.start && progress(ahead, i - 1, trackLength) > behind) i -= 1;
  if (i === ahead.start) return NaN;
  const [before, after] = [progress(ahead, i - 1, trackLength), progress(ahead, i, trackLength)];
  const share = after > before ? (behind - before) / (after - before) : 1;
  const passed = ahead.times[i - 1] + (ahead.times[i] - ahead.times[i - 1]) * share;
  return (t - passed) / 1000;
}
