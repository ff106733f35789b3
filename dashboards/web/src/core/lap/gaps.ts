/** Gaps between cars, from their samples: when was the car ahead where the one behind is now. */

import type { Ring } from "../samples/ring";

/** Return laps done and the part of the one being driven at a sample, NaN when not known. */
function progress(ring: Ring, i: number, trackLength: number): number {
  return ring.column("lap_number")[i] + ring.column("lap_distance")[i] / trackLength;
}

export function progressAt(ring: Ring, t: number, trackLength: number): number {
  const place = ring.search(t);
  return place < ring.start ? NaN : progress(ring, place, trackLength);
}

/**
 * Return seconds since a car passed the place of another one that is behind it at `t`, by the
 * ahead car's clock; NaN when it is not ahead or its samples do not reach back so far.
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
