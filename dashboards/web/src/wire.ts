// Made from schemas/ by `make generated`; do not edit.
// Stamps in ns pass 2^53, so they are rounded to 256 ns here.

/** Choose the session, drivers and channels to see live; replaces the choice before it. */
export interface Subscribe {
  type: "wall.subscribe";
  session: string;
  drivers: readonly string[];
  channels: readonly string[];
}

/** Request the hub's clock; the answer repeats `token`. */
export interface Ping {
  type: "wall.ping";
  token: number;
}

/** Carry the chosen channels of one chunk. */
export interface Frames {
  type: "wall.frames";
  session: string;
  driver: string;
  run: number;
  chunk: number;
  first_frame: number;
  channels: readonly string[];
  times: Uint8Array;
  rows: Uint8Array;
  late: boolean;
}

/** Hold one car of the race at an instant; None and "" stand for what the sim does not give. */
export type CarSeen = readonly [
  car: string,
  lap: number | null,
  distance_dm: number | null,
  x_dm: number | null,
  y_dm: number | null,
  position: number | null,
  gap_ms: number | null,
  where: "finished" | "garage" | "out" | "pit" | "track",
  tyre: string,
  tyre_laps: number | null,
  last_ms: number | null,
  best_ms: number | null,
];

/** State all cars of a race at one instant, as a driver's sim showed them. */
export interface Cars {
  type: "wall.cars";
  session: string;
  driver: string;
  at_ms: number;
  own: string;
  cars: readonly CarSeen[];
}

/** Describe a car of the race; `car` is its name in `CarSeen` and `LapReported`. */
export type Entry = readonly [
  car: string,
  driver: string,
  number: string,
  model: string,
  car_class: string,
];

/** Describe the cars of a race, as a driver's sim named them. */
export interface Entries {
  type: "wall.entries";
  session: string;
  driver: string;
  entries: readonly Entry[];
}

/** State a driver's link, every two seconds while the PC sends, and on each change. */
export interface Presence {
  type: "wall.presence";
  session: string;
  driver: string;
  run: number;
  seen_ms: number;
  stored_ms: number;
  offset_ms: number | null;
  made: number;
  waiting: number;
  through: number;
  missing: readonly (readonly [number, number])[];
  gone: readonly (readonly [number, number])[];
  closed: boolean;
  kept: boolean;
  refused: readonly (readonly [number, number])[];
}

/** State how much of what arrived was not used, and why. */
export interface LeftOut {
  type: "sim.left_out";
  at_ns: number;
  reason: "channel" | "header" | "inbox_full" | "incomplete" | "kernel_full" | "late" | "other_game" | "row" | "unknown" | "value";
  count: number;
  about: string;
}

export const LEFTOUT_DEFAULTS = {
  about: "",
} satisfies Partial<LeftOut>;

export type SentLeftOut = Omit<LeftOut, keyof typeof LEFTOUT_DEFAULTS> & Partial<LeftOut>;

/** Describe a driver's session; issued again when more is known. */
export interface Session {
  type: "timing.session";
  session: string;
  driver: string;
  at_ns: number;
  source: string;
  source_version: string;
  kind: "practice" | "qualifying" | "race" | "test" | "time_trial" | "unknown";
  track: string;
  track_length_m: number | null;
  car: string;
  car_model: string;
  sectors: number;
  started_ns: number;
  finished_ns: number | null;
  left_out: readonly SentLeftOut[];
}

export const SESSION_DEFAULTS = {
  source_version: "",
  kind: "unknown",
  track: "",
  track_length_m: null,
  car: "",
  car_model: "",
  sectors: 0,
  finished_ns: null,
  left_out: [],
} satisfies Partial<Session>;

export type SentSession = Omit<Session, keyof typeof SESSION_DEFAULTS> & Partial<Session>;

/** State one lap of one car, identified by (session, driver, car, lap_number). */
export interface Lap {
  type: "timing.lap";
  session: string;
  driver: string;
  at_ns: number;
  car: string;
  own: boolean;
  lap_number: number;
  revision: number;
  lap_time_s: number | null;
  timed_by: "crossing" | "none" | "sim";
  sectors_s: readonly number[];
  valid: boolean;
  in_lap: boolean;
  out_lap: boolean;
  pit: boolean;
  complete: boolean;
  frames: number;
  run: number;
  started_ns: number | null;
  ended_ns: number | null;
  fuel_used: number | null;
}

export const LAP_DEFAULTS = {
  lap_time_s: null,
  timed_by: "none",
  sectors_s: [],
  valid: true,
  in_lap: false,
  out_lap: false,
  pit: false,
  complete: true,
  frames: 0,
  run: 0,
  started_ns: null,
  ended_ns: null,
  fuel_used: null,
} satisfies Partial<Lap>;

export type SentLap = Omit<Lap, keyof typeof LAP_DEFAULTS> & Partial<Lap>;

/** State how many stored chunks the laps of a driver's session lack; 0 once they are right. */
export interface Deriving {
  type: "timing.deriving";
  session: string;
  driver: string;
  at_ns: number;
  chunks_behind: number;
}

/** Describe a corner, in m from the line. */
export interface Corner {
  name: string;
  entry_m: number;
  apex_m: number;
  exit_m: number;
  left: boolean;
}

/** State the learned track on which a driver's session is driven. */
export interface Track {
  type: "timing.track";
  session: string;
  driver: string;
  at_ns: number;
  track: string;
  version: number;
  length_m: number;
  corners: readonly Corner[];
  line: readonly (readonly [number, number])[];
}

export const TRACK_DEFAULTS = {
  line: [],
} satisfies Partial<Track>;

export type SentTrack = Omit<Track, keyof typeof TRACK_DEFAULTS> & Partial<Track>;

/** State how a corner was driven; distances in m from the line, speeds in m/s. */
export interface Pass {
  corner: string;
  begins_m: number;
  time_s: number;
  entry_mps: number;
  minimum_m: number;
  minimum_mps: number;
  exit_mps: number;
  brakes_m: number | null;
  throttle_m: number | null;
  brakes_again_m: number | null;
  lifts_m: number | null;
}

export const PASS_DEFAULTS = {
  brakes_m: null,
  throttle_m: null,
  brakes_again_m: null,
  lifts_m: null,
} satisfies Partial<Pass>;

export type SentPass = Omit<Pass, keyof typeof PASS_DEFAULTS> & Partial<Pass>;

/** State the seconds lost in a corner against the usual way; less than 0 for won. */
export interface Loss {
  corner: string;
  entry_s: number;
  minimum_s: number;
  exit_s: number;
  entry_spread_s: number;
  minimum_spread_s: number;
  exit_spread_s: number;
  spread_s: number;
}

/** Hold a stretch of the track, in m from the line; across the line `to_m` is the smaller. */
export interface Stretch {
  from_m: number;
  to_m: number;
}

/** State that a car spun, hit something or stood on the track. */
export interface Incident {
  kind: "contact" | "spin" | "stop";
  at_ns: number;
  ended_ns: number;
  before_mps: number;
  after_mps: number;
  distance_m: number | null;
  corner: string;
  turned_rad: number | null;
  stood_s: number | null;
}

export const INCIDENT_DEFAULTS = {
  distance_m: null,
  corner: "",
  turned_rad: null,
  stood_s: null,
} satisfies Partial<Incident>;

export type SentIncident = Omit<Incident, keyof typeof INCIDENT_DEFAULTS> & Partial<Incident>;

/** State how the corners of one own lap were driven. */
export interface Passes {
  type: "timing.passes";
  session: string;
  driver: string;
  at_ns: number;
  car: string;
  lap_number: number;
  revision: number;
  judged: "disturbed" | "no_reference" | "no_track" | "not_whole" | "off" | "other_distance" | "pit" | "yes";
  run: number;
  chunks: readonly [number, number];
  started_ns: number;
  ended_ns: number;
  track: string;
  track_version: number;
  track_length_m: number;
  measured: "fraction" | "projected" | "sim" | "speed";
  lap_time_s: number | null;
  judged_until_m: number | null;
  passes: readonly SentPass[];
  usual: readonly SentPass[];
  usual_of: readonly number[];
  losses: readonly Loss[];
  carried_s: number;
  straights: readonly Stretch[];
  incidents: readonly SentIncident[];
  laps_needed: number;
}

export const PASSES_DEFAULTS = {
  track: "",
  track_version: 0,
  track_length_m: 0.0,
  measured: "sim",
  lap_time_s: null,
  judged_until_m: null,
  passes: [],
  usual: [],
  usual_of: [],
  losses: [],
  carried_s: 0.0,
  straights: [],
  incidents: [],
  laps_needed: 0,
} satisfies Partial<Passes>;

export type SentPasses = Omit<Passes, keyof typeof PASSES_DEFAULTS> & Partial<Passes>;

/** State one number that a moment rests on, and the usual one; `unit` is an SI unit. */
export interface Evidence {
  name: string;
  value: number;
  unit: string;
  usual: number | null;
}

export const EVIDENCE_DEFAULTS = {
  usual: null,
} satisfies Partial<Evidence>;

export type SentEvidence = Omit<Evidence, keyof typeof EVIDENCE_DEFAULTS> & Partial<Evidence>;

/** State one thing that is worth saying about a lap. */
export interface Moment {
  type: "coach.moment";
  session: string;
  driver: string;
  at_ns: number;
  car: string;
  lap_number: number;
  revision: number;
  cause: "brakes_early" | "late_throttle" | "lift" | "off" | "second_brake" | "slow_minimum" | "time_lost" | "too_fast_in";
  corner: string;
  worth_s: number;
  evidence: readonly SentEvidence[];
  where: Stretch;
  run: number;
  chunks: readonly [number, number];
  priority: number;
  say: readonly Stretch[];
  expires_ns: number;
  usual_of: readonly number[];
  pattern: boolean;
  withdrawn: boolean;
}

export const MOMENT_DEFAULTS = {
  usual_of: [],
  pattern: false,
  withdrawn: false,
} satisfies Partial<Moment>;

export type SentMoment = Omit<Moment, keyof typeof MOMENT_DEFAULTS> & Partial<Moment>;

/** State why nothing is said about a lap. */
export interface Silence {
  type: "coach.silence";
  session: string;
  driver: string;
  at_ns: number;
  car: string;
  lap_number: number;
  revision: number;
  reason: "disturbed" | "learning_driver" | "learning_track" | "not_whole" | "nothing_lost" | "other_distance" | "pit";
  laps_needed: number;
}

export const SILENCE_DEFAULTS = {
  laps_needed: 0,
} satisfies Partial<Silence>;

export type SentSilence = Omit<Silence, keyof typeof SILENCE_DEFAULTS> & Partial<Silence>;

/** State where a stint lost time against the driver's own best in it. */
export interface Finding {
  corner: string;
  worth_s: number;
  best_lap: number;
  usual_lap: number;
  uneven: boolean;
  cause: "brakes_early" | "late_throttle" | "lift" | "off" | "second_brake" | "slow_minimum" | "time_lost" | "too_fast_in";
  times: number;
  evidence: readonly SentEvidence[];
}

export const FINDING_DEFAULTS = {
  cause: "time_lost",
  times: 0,
  evidence: [],
} satisfies Partial<Finding>;

export type SentFinding = Omit<Finding, keyof typeof FINDING_DEFAULTS> & Partial<Finding>;

/** State what a stint shows as a whole: at most three findings, the dearest first. */
export interface Debrief {
  type: "coach.debrief";
  session: string;
  driver: string;
  at_ns: number;
  car: string;
  lap_number: number;
  last_lap: number;
  revision: number;
  laps: number;
  best_lap: number;
  best_lap_s: number;
  median_lap_s: number;
  theoretical_best_s: number;
  ended: boolean;
  findings: readonly SentFinding[];
}

export const DEBRIEF_DEFAULTS = {
  ended: false,
  findings: [],
} satisfies Partial<Debrief>;

export type SentDebrief = Omit<Debrief, keyof typeof DEBRIEF_DEFAULTS> & Partial<Debrief>;

/** State whether the hub stores, every three seconds, by the program that runs its servers. */
export interface HubState {
  type: "hub.state";
  at_ns: number;
  nats_refuses: boolean;
  postgres_refuses: boolean;
  low_room: boolean;
  free_bytes: number;
}

/** State that a driver's runs of a session were deleted, those up to the run `through`. */
export interface Deleted {
  type: "wall.deleted";
  session: string;
  driver: string;
  through: number;
}

/** State how many messages were dropped for this slow client since it connected. */
export interface Dropped {
  type: "wall.dropped";
  count: number;
}

/** Answer a ping with the hub's clock (ms since 1970). */
export interface Pong {
  type: "wall.pong";
  token: number;
  hub_ms: number;
}

/** State why the gateway rejected a message of the page. */
export interface Refused {
  type: "wall.refused";
  reason: string;
}

/** State that the process runs; no peer is asked. */
export interface Health {
  status: "ok";
}

/** State which peers answer; served with status 503 unless all do. */
export interface Ready {
  nats: boolean;
  postgres: boolean;
  notes: readonly string[];
}

/** Summarise one driver's part of a session. */
export interface DriverSummary {
  driver: string;
  session: SentSession | null;
  laps: number;
  best_lap_time_s: number | null;
  from_ns: number | null;
  to_ns: number | null;
  removed_ms: number | null;
}

/** Announce that retention removes a part of a session at `at_ms` by the hub's clock. */
export interface Removal {
  part: "facts" | "telemetry";
  at_ms: number;
}

/** Summarise a session: its drivers, the latest first; `pinned` ones are never removed. */
export interface SessionSummary {
  session: string;
  drivers: readonly DriverSummary[];
  pinned: boolean;
  removal: Removal | null;
}

/** Describe a channel of the registry. */
export interface ChannelAbout {
  id: number;
  name: string;
  unit: string;
  motec: string;
  about: string;
}

/** State a range of chunks of a run that Postgres lacks; `gone` chunks can never come. */
export interface Hole {
  driver: string;
  run: number;
  first_chunk: number;
  last_chunk: number;
  chunks: number;
  gone: boolean;
  refused: boolean;
  from_ns: number | null;
  to_ns: number | null;
}

/** Carry the requested channels over time, as JSON or CSV; NaN becomes null. */
export interface Traces {
  session: string;
  driver: string;
  lap: SentLap | null;
  channels: readonly string[];
  units: readonly string[];
  times_ms: readonly number[];
  columns: readonly (readonly (number | null)[])[];
  holes: readonly (readonly [number, number])[];
}

/** Carry `Traces` as msgpack. */
export interface PackedTraces {
  session: string;
  driver: string;
  lap: SentLap | null;
  channels: readonly string[];
  units: readonly string[];
  times: Uint8Array;
  columns: readonly Uint8Array[];
  holes: readonly (readonly [number, number])[];
}

/** State the flag on a part of the lap, between two fractions of it. */
export interface FlagOnZone {
  begins: number;
  ends: number;
  flag: "blue" | "green" | "red" | "yellow";
}

/** Describe one car of a race at an instant; None and "" stand for what the sim does not give. */
export interface CarAt {
  car: string;
  own: boolean;
  driver: string;
  number: string;
  model: string;
  car_class: string;
  lap: number | null;
  lap_distance_m: number | null;
  world_x_m: number | null;
  world_y_m: number | null;
  position: number | null;
  gap_s: number | null;
  where: "finished" | "garage" | "out" | "pit" | "track";
  tyre: string;
  tyre_laps: number | null;
  last_lap_time_s: number | null;
  best_lap_time_s: number | null;
}

/** State a race at an instant, as one driver's sim showed it: all cars in their order. */
export interface CarsAt {
  session: string;
  driver: string;
  at_ns: number;
  session_time_s: number | null;
  time_left_s: number | null;
  laps: number | null;
  extra_laps: number | null;
  fuel_capacity: number | null;
  refuel_rate_per_s: number | null;
  race_control: string;
  weather: string;
  zones: readonly FlagOnZone[];
  cars: readonly CarAt[];
  left_out: number;
}

/** State in one sentence why a request failed, naming the parameter. */
export interface Problem {
  status: number;
  detail: string;
}

/** Describe the account that is logged in; `driver` is the driver it belongs to. */
export interface Me {
  name: string;
  role: "driver" | "engineer" | "guest" | "owner";
  driver: string | null;
  has_password: boolean;
}

/** Return the token for the header `Authorization: Bearer`; it expires in `expires_s`. */
export interface LoggedIn {
  access_token: string;
  expires_s: number;
  me: Me;
}

/** Return the ticket for `/live?ticket=`; it is valid once, for 30 seconds. */
export interface WsTicket {
  ticket: string;
}

/** Describe an account to the owner; `invited` means that it has no password yet. */
export interface AccountAbout {
  name: string;
  role: "driver" | "engineer" | "guest" | "owner";
  driver: string | null;
  invited: boolean;
  disabled: boolean;
  logins: number;
}

/** Return the secret of an invitation, meant for the invited person only, and its expiry. */
export interface Invited {
  name: string;
  secret: string;
  expires: string;
}

/** State whether a role may see one kind of a driver's data. */
export interface Consent {
  driver: string;
  kind: "camera" | "microphone" | "telemetry";
  role: "driver" | "engineer" | "guest" | "owner";
  allowed: boolean;
}

/** State one audited action: actor, action, object and client address. */
export interface AuditEntry {
  id: number;
  at: string;
  actor: string | null;
  action: string;
  about: string;
  address: string;
}

/** Return the codes for `pitbox drive --enrol CODE@HOST`, once; they expire in `expires_s`. */
export interface EnrolmentCode {
  driver: string;
  code: string;
  link_code: string;
  expires_s: number;
}

/** State how a driver's last code stands: its expiry, and the PC that used it. */
export interface EnrolmentState {
  driver: string;
  begins: string;
  used: boolean;
  pc: string;
  tries_left: number;
  expires_s: number;
}

/** Describe a PC of a driver by its public key; `revoked` is the time of its revocation. */
export interface PcAbout {
  public_key: string;
  name: string;
  enrolled: string;
  renewed: string | null;
  expires: string;
  revoked: string | null;
}

/** Describe an enrolled driver and the driver's PCs. */
export interface DriverAbout {
  driver: string;
  enrolled: string;
  revoked: string | null;
  shut_until: string | null;
  pcs: readonly PcAbout[];
}

export type FromPage =
  | Subscribe
  | Ping;

export type ToPage =
  | Frames
  | Cars
  | Entries
  | Presence
  | SentSession
  | SentLap
  | Deriving
  | SentTrack
  | SentPasses
  | SentMoment
  | SentSilence
  | SentDebrief
  | HubState
  | Deleted
  | Dropped
  | Pong
  | Refused;

export const CHANNELS = [
  "session_time",
  "lap_number",
  "lap_time",
  "last_lap_time",
  "best_lap_time",
  "lap_delta_best",
  "lap_distance",
  "lap_fraction",
  "sector",
  "lap_valid",
  "position",
  "throttle",
  "brake",
  "clutch",
  "handbrake",
  "steering_angle",
  "gear",
  "brake_bias",
  "engine_rpm",
  "engine_rpm_max",
  "engine_torque",
  "manifold_pressure",
  "engine_coolant_temp",
  "engine_oil_temp",
  "engine_oil_pressure",
  "fuel_level",
  "fuel_mass",
  "fuel_use_rate",
  "ers_energy",
  "ers_deploy_mode",
  "speed",
  "velocity_x",
  "velocity_y",
  "velocity_z",
  "accel_lat",
  "accel_long",
  "accel_vert",
  "yaw",
  "pitch",
  "roll",
  "yaw_rate",
  "world_x",
  "world_y",
  "world_z",
  "wheel_speed_fl",
  "wheel_speed_fr",
  "wheel_speed_rl",
  "wheel_speed_rr",
  "tyre_pressure_fl",
  "tyre_pressure_fr",
  "tyre_pressure_rl",
  "tyre_pressure_rr",
  "tyre_temp_inner_fl",
  "tyre_temp_inner_fr",
  "tyre_temp_inner_rl",
  "tyre_temp_inner_rr",
  "tyre_temp_middle_fl",
  "tyre_temp_middle_fr",
  "tyre_temp_middle_rl",
  "tyre_temp_middle_rr",
  "tyre_temp_outer_fl",
  "tyre_temp_outer_fr",
  "tyre_temp_outer_rl",
  "tyre_temp_outer_rr",
  "tyre_temp_core_fl",
  "tyre_temp_core_fr",
  "tyre_temp_core_rl",
  "tyre_temp_core_rr",
  "tyre_wear_fl",
  "tyre_wear_fr",
  "tyre_wear_rl",
  "tyre_wear_rr",
  "brake_temp_fl",
  "brake_temp_fr",
  "brake_temp_rl",
  "brake_temp_rr",
  "susp_travel_fl",
  "susp_travel_fr",
  "susp_travel_rl",
  "susp_travel_rr",
  "ride_height_fl",
  "ride_height_fr",
  "ride_height_rl",
  "ride_height_rr",
  "slip_ratio_fl",
  "slip_ratio_fr",
  "slip_ratio_rl",
  "slip_ratio_rr",
  "abs_active",
  "tc_active",
  "tc_level",
  "abs_level",
  "drs_state",
  "pit_limiter",
  "in_pit_lane",
  "flags",
  "air_temp",
  "track_temp",
  "track_wetness",
  "rain",
  "wind_speed",
  "wind_dir",
  "gap_ahead",
  "gap_behind",
  "session_time_left",
  "laps_left",
  "fuel_capacity",
  "fuel_mass_capacity",
  "brake_pressure_front",
  "brake_pressure_rear",
  "wheels_off_track",
] as const;

export type ChannelName = (typeof CHANNELS)[number];
