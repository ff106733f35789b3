/** Facts about the laps of MOR in the session "evening". */

import {
  PASSES_DEFAULTS,
  type Debrief,
  type Moment,
  type Passes,
  type Silence,
  type Track,
} from "../../src/wire";

const about = (lap: number) => ({
  session: "evening",
  driver: "MOR",
  at_ns: lap * 90e9,
  car: "27",
  lap_number: lap,
  revision: 1,
});

export function moment(lap: number, changes: Partial<Moment> = {}): Moment {
  return {
    type: "coach.moment",
    ...about(lap),
    cause: "brakes_early",
    corner: "T4",
    worth_s: 0.15,
    evidence: [{ name: "brakes_m", value: 188, unit: "m", usual: 200 }],
    where: { from_m: 180, to_m: 300 },
    run: 1,
    chunks: [1, 2],
    priority: 1,
    say: [],
    expires_ns: (lap + 1) * 90e9,
    usual_of: [],
    pattern: false,
    withdrawn: false,
    ...changes,
  };
}

export function silence(lap: number, changes: Partial<Silence> = {}): Silence {
  return { type: "coach.silence", ...about(lap), reason: "nothing_lost", laps_needed: 0, ...changes };
}

export function debrief(lap: number, changes: Partial<Debrief> = {}): Debrief {
  return {
    type: "coach.debrief",
    ...about(lap),
    last_lap: lap + 5,
    laps: 6,
    best_lap: lap + 2,
    best_lap_s: 88,
    median_lap_s: 88.5,
    theoretical_best_s: 87.5,
    ended: true,
    findings: [{ corner: "T4", worth_s: 0.25, best_lap: lap + 2, usual_lap: lap, uneven: false }],
    ...changes,
  };
}

/** Return the passes of a lap that lost some seconds in each corner. */
export function passes(lap: number, lost: Readonly<Record<string, number>>): Passes {
  const losses = Object.entries(lost).map(([corner, seconds]) => ({
    corner,
    ...{ entry_s: seconds / 2, minimum_s: seconds / 4, exit_s: seconds / 4 },
    ...{ entry_spread_s: 0.02, minimum_spread_s: 0.02, exit_spread_s: 0.02, spread_s: 0.03 },
  }));
  const message = { type: "timing.passes" as const, ...about(lap), judged: "yes" as const, run: 1 };
  return { ...PASSES_DEFAULTS, ...message, chunks: [1, 2], started_ns: 0, ended_ns: 1, losses };
}

/** A round track of 600 m, driven against the clock from its rightmost place on. */
export function track(changes: Partial<Track> = {}): Track {
  const line = Array.from({ length: 60 }, (_, i) => {
    const angle = (2 * Math.PI * i) / 60;
    return [100 * Math.cos(angle), 100 * Math.sin(angle)] as const;
  });
  const corner = { entry_m: 140, exit_m: 160, left: true };
  const corners = [
    { name: "T1", apex_m: 150, ...corner },
    { name: "T2", apex_m: 450, ...corner },
  ];
  const { session, driver } = about(0);
  const which = { session, driver, at_ns: 0, track: "round", version: 1, length_m: 600 };
  return { type: "timing.track", ...which, corners, line, ...changes };
}
