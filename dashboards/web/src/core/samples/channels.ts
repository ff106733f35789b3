/** The channels that the wall subscribes to. */

import type { ChannelName } from "../../wire";

export const WHEELS = ["fl", "fr", "rl", "rr"] as const;
export type Wheel = (typeof WHEELS)[number];

/** Drawn as traces, in the order of a lap grid's columns. */
export const TRACED = [
  "speed",
  "throttle",
  "brake",
  "steering_angle",
  "gear",
  "engine_rpm",
] as const;
/** Columns that hold their value until the next sample. */
export const STEPPED: ReadonlySet<number> = new Set([TRACED.indexOf("gear")]);

/** Drawn sixty times a second, kept for a whole lap. */
export const FAST: readonly ChannelName[] = [
  ...TRACED,
  "lap_number",
  "lap_distance",
  "lap_time",
  "world_x",
  "world_y",
];

/** Written as numbers, kept for some seconds. */
export const SLOW: readonly ChannelName[] = [
  "fuel_level",
  "fuel_mass",
  "position",
  "lap_valid",
  "in_pit_lane",
  "air_temp",
  "track_temp",
  ...WHEELS.flatMap((wheel): ChannelName[] => [
    `tyre_temp_middle_${wheel}`,
    `tyre_temp_core_${wheel}`,
    `tyre_pressure_${wheel}`,
    `tyre_wear_${wheel}`,
  ]),
];
