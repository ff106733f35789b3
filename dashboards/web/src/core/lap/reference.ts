/** The reference lap on the grid of the current lap, and the track outline from its places. */

import type { Lap } from "../../wire";
import { STEPPED, TRACED } from "../samples/channels";
import { secondsInto, type Axis } from "./driven-lap";
import { LapGrid } from "./lap-grid";
import { thinned, type Outline } from "./outline";

/** Columns of a stored lap, float32 each; `times` in ms. */
export interface Columns {
  readonly channels: readonly string[];
  readonly times: Float64Array;
  readonly columns: readonly Float32Array[];
}

export interface Reference {
  readonly lap: Lap;
  readonly axis: Axis;
  readonly grid: LapGrid;
  /** Places on the axis where sectors end. */
  readonly sectors: readonly number[];
}

const OUTLINE_STEP_M = 4;

export function reference(lap: Lap, axis: Axis, found: Columns): Reference {
  const grid = new LapGrid(axis.length, TRACED.length, STEPPED);
  const sectors: number[] = [];
  const of = (channel: string) => found.columns[found.channels.indexOf(channel)];
  const traced = TRACED.map((channel) => of(channel));
  const [distance, simSeconds, sector] = [of("lap_distance"), of("lap_time"), of("sector")];
  const started = (lap.started_ns ?? 0) / 1e6;
  for (let i = 0; i < found.times.length; i++) {
    const seconds = secondsInto(simSeconds?.[i] ?? NaN, (found.times[i] - started) / 1000);
    const x = axis.kind === "distance" ? (distance?.[i] ?? NaN) : seconds;
    if (ofOtherLap(i, found.times.length, x, axis)) continue;
    grid.add(
      x,
      found.times[i],
      seconds,
      traced.map((column) => column?.[i] ?? NaN),
    );
    if (i > 0 && sector?.[i] > sector?.[i - 1]) sectors.push(x);
  }
  return { lap, axis, grid, sectors };
}

/** Return whether a frame belongs to a neighbouring lap, as the first and last may. */
function ofOtherLap(i: number, count: number, x: number, axis: Axis): boolean {
  const early = i < count / 2;
  return early ? x > axis.length * 0.9 : x < axis.length * 0.1;
}

export function outlineOf(found: Columns): Outline | null {
  const x = found.columns[found.channels.indexOf("world_x")];
  const y = found.columns[found.channels.indexOf("world_y")];
  if (!x || !y) return null;
  const outline = thinned(x, y, OUTLINE_STEP_M);
  return outline.x.length > 10 ? outline : null;
}
