import { LAP_DEFAULTS, type Lap } from "../../src/wire";

/** A lap of 600 m as Postgres has it, and its samples. */

export const LENGTH = 600;

export const storedLap: Lap = {
  ...LAP_DEFAULTS,
  type: "timing.lap",
  session: "s",
  driver: "MOR",
  at_ns: 0,
  car: "27",
  own: true,
  lap_number: 4,
  revision: 1,
  lap_time_s: 10,
  started_ns: 5e9,
};

/** A lap at 60 m/s whose first frame is still before the line. */
export function storedColumns() {
  const count = 501;
  const seconds = Array.from({ length: count }, (_, i) => i * 0.02);
  const columns: Record<string, number[]> = {
    speed: seconds.map(() => 60),
    throttle: seconds.map(() => 1),
    brake: seconds.map(() => 0.25),
    lap_distance: [LENGTH - 0.5, ...seconds.slice(1).map((s) => s * 60)],
    lap_time: [9.99, ...seconds.slice(1)],
    sector: seconds.map((s) => (s < 4 ? 0 : 1)),
    world_x: seconds.map((s) => Math.cos(s)),
    world_y: seconds.map((s) => 100 * s),
  };
  return {
    channels: Object.keys(columns),
    times: Float64Array.from(seconds, (s) => 5000 + 1000 * s),
    columns: Object.values(columns).map((values) => Float32Array.from(values)),
  };
}
