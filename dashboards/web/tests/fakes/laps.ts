import { whole } from "../../src/core/lap/laps";
import type { Lap, SentLap } from "../../src/wire";

/** Return a lap of MOR's car; `changes` replace its fields. */
export function lap(number: number, time: number | null, changes: Partial<Lap> = {}): Lap {
  const sent: SentLap = {
    type: "timing.lap",
    session: "s",
    driver: "MOR",
    at_ns: 0,
    car: "27",
    own: true,
    lap_number: number,
    revision: 1,
    started_ns: number * 1e11,
  };
  return { ...whole(sent), lap_time_s: time, ...changes };
}
