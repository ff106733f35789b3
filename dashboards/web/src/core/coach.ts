/** What the coach found, in words: pure. */

import {
  DEBRIEF_DEFAULTS,
  EVIDENCE_DEFAULTS,
  FINDING_DEFAULTS,
  INCIDENT_DEFAULTS,
  MOMENT_DEFAULTS,
  PASSES_DEFAULTS,
  SILENCE_DEFAULTS,
  TRACK_DEFAULTS,
  type Debrief,
  type Finding,
  type Incident,
  type Loss,
  type Moment,
  type Passes,
  type SentDebrief,
  type SentEvidence,
  type SentFinding,
  type SentMoment,
  type SentPasses,
  type SentSilence,
  type SentTrack,
  type Silence,
  type Track,
} from "../wire";
import { fixed, signed } from "./figures";

/** A loss below this is not worth a line. */
const SHOWN_S = 0.05;
const KMH = 3.6;

interface OfLap {
  readonly car: string;
  readonly lap_number: number;
  readonly at_ns: number;
}

export interface Evidence {
  readonly label: string;
  readonly value: string;
  readonly usual: string;
}

export const wholeMoment = (sent: SentMoment): Moment => ({ ...MOMENT_DEFAULTS, ...sent });
export const wholeSilence = (sent: SentSilence): Silence => ({ ...SILENCE_DEFAULTS, ...sent });
export const wholeDebrief = (sent: SentDebrief): Debrief => ({ ...DEBRIEF_DEFAULTS, ...sent });
export const wholeFinding = (sent: SentFinding): Finding => ({ ...FINDING_DEFAULTS, ...sent });
export const wholePasses = (sent: SentPasses): Passes => ({ ...PASSES_DEFAULTS, ...sent });
export const wholeTrack = (sent: SentTrack): Track => ({ ...TRACK_DEFAULTS, ...sent });

/** Add a fact, or replace the one of the same lap; facts stay in the order of their laps. */
export function withFact<Fact extends OfLap>(facts: readonly Fact[], fact: Fact): readonly Fact[] {
  const others = facts.filter((one) => !sameLap(one, fact));
  return [...others, fact].sort((a, b) => a.at_ns - b.at_ns || a.lap_number - b.lap_number);
}

/** Return the moments that still hold, the latest first. */
export function standing(moments: readonly Moment[]): readonly Moment[] {
  return moments.filter((moment) => !moment.withdrawn).reverse();
}

const CAUSES: Readonly<Record<Moment["cause"], string>> = {
  brakes_early: "Braked earlier than usual",
  too_fast_in: "Came in faster than usual and lost it on the way out",
  slow_minimum: "Slower in the middle than usual",
  late_throttle: "On the throttle later than usual",
  second_brake: "Braked a second time",
  lift: "Lifted the throttle on the way out",
  off: "Went off the track",
  time_lost: "Lost time, the traces name no single cause",
};

export function causeWords({ cause, pattern }: Moment): string {
  return pattern ? `${CAUSES[cause]}, twice in three laps` : CAUSES[cause];
}

/** Write a corner's name as a sentence does: "Turn 4" for T4. */
export function turn(corner: string): string {
  return corner.replace(/^T(?=\d)/, "Turn ");
}

const LABELS: Readonly<Record<string, string>> = {
  brakes_m: "Brakes at",
  throttle_m: "Throttle at",
  brakes_again_m: "Brakes again at",
  lifts_m: "Lifts at",
  entry_mps: "Speed in",
  minimum_mps: "Slowest",
  exit_mps: "Speed out",
  entry_s: "Entry",
  minimum_s: "Middle",
  exit_s: "Exit",
};

/** Return a number of a moment with its usual value, both as people read them. */
export function evidenceOf(sent: SentEvidence): Evidence {
  const { name, value, unit, usual } = { ...EVIDENCE_DEFAULTS, ...sent };
  const label = LABELS[name] ?? name.replaceAll("_", " ");
  if (unit === "s") return { label, value: `${signed(value, 2)} s`, usual: "" };
  const [factor, shown] = unit === "m/s" ? [KMH, "km/h"] : [1, unit];
  const words = (number: number) => `${fixed(number * factor, 0)} ${shown}`;
  return { label, value: words(value), usual: usual === null ? "" : `usually ${words(usual)}` };
}

/** Return what went wrong with the car on some laps, the latest first, each with its lap. */
export function incidentsOf(passes: readonly Passes[]): readonly { lap: number; incident: Incident }[] {
  return passes
    .flatMap(({ lap_number: lap, incidents }) =>
      incidents.map((sent) => ({ lap, incident: { ...INCIDENT_DEFAULTS, ...sent } })),
    )
    .reverse();
}

/** State an incident in words, with the numbers that it rests on. */
export function incidentWords({ kind, corner, before_mps, after_mps, turned_rad, stood_s }: Incident): string {
  const where = corner ? ` at ${turn(corner)}` : "";
  const speeds = `${fixed(before_mps * KMH, 0)} to ${fixed(after_mps * KMH, 0)} km/h`;
  switch (kind) {
    case "spin":
      return `Spun${where}, ${fixed(((turned_rad ?? 0) * 180) / Math.PI, 0)}° from its course, ${speeds}`;
    case "contact":
      return `Hit something${where}, ${speeds}`;
    case "stop":
      return `Stood on the track${where} for ${fixed(stood_s ?? 0, 0)} s`;
  }
}

/** State a finding of a stint in words: what the usual lap loses there, and the lap that shows how. */
export function findingWords({ worth_s, best_lap, uneven }: Finding): string {
  const varies = uneven ? ", and varies by more" : "";
  return `${fixed(worth_s, 2)} s a lap over lap ${best_lap}${varies}`;
}

/** Return the latest debrief whose stint has ended, null without one. */
export function endedStint(debriefs: readonly Debrief[]): Debrief | null {
  return debriefs.findLast((debrief) => debrief.ended) ?? null;
}

/** Return the places of a moment's evidence, and the usual ones, in m from the line. */
export function evidencePlaces(moment: Moment): { driven: number[]; usual: number[] } {
  const placed = moment.evidence.filter((one) => one.unit === "m");
  return {
    driven: placed.map((one) => one.value),
    usual: placed.flatMap((one) => (one.usual == null ? [] : [one.usual])),
  };
}

/** State in one line how far the coach is, by what it said about the latest lap. */
export function coachState(moments: readonly Moment[], silences: readonly Silence[]): string {
  const said = standing(moments)[0];
  const silent = silences.filter((one) => !moments.some((m) => !m.withdrawn && sameLap(m, one)));
  const last = silent.at(-1);
  if (last && !(said && said.at_ns > last.at_ns)) return silenceWords(last);
  if (!said) return "Waiting for the first lap";
  return `${turn(said.corner)} cost ${fixed(said.worth_s, 2)} s on lap ${said.lap_number}`;
}

function silenceWords({ reason, laps_needed, lap_number }: Silence): string {
  const laps = laps_needed === 1 ? "1 more clean lap" : `${laps_needed} more clean laps`;
  const needs = laps_needed > 0 ? `needs ${laps}` : "needs clean laps";
  switch (reason) {
    case "learning_track":
      return `Not ready: the track ${needs}`;
    case "learning_driver":
      return laps_needed > 0
        ? `Not ready: reference ${needs}`
        : "Ready: the next clean lap is compared";
    case "nothing_lost":
      return "Quiet: nothing worth saying";
    case "pit":
      return `Quiet: lap ${lap_number} is an in or out lap`;
    case "not_whole":
      return `Quiet: lap ${lap_number} was not seen whole`;
    case "disturbed":
      return `Quiet: traffic on lap ${lap_number}`;
    case "other_distance":
      return `Quiet: the distance of lap ${lap_number} does not fit the track`;
  }
}

/** Return the corner that lost most of a lap, null when none lost anything worth a line. */
export function worst(passes: readonly Passes[], lap: number): { corner: string; lost: number } | null {
  const found = passes.findLast((one) => one.lap_number === lap);
  let most: { corner: string; lost: number } | null = null;
  for (const loss of found?.losses ?? []) {
    const lost = netOf(loss);
    if (lost >= SHOWN_S && lost > (most?.lost ?? 0)) most = { corner: loss.corner, lost };
  }
  return most;
}

function netOf(loss: Loss): number {
  return loss.entry_s + loss.minimum_s + loss.exit_s;
}

function sameLap(one: OfLap, other: OfLap): boolean {
  return one.car === other.car && one.lap_number === other.lap_number;
}
