/** What Postgres has of the past: the session's drivers, holes, the lap so far, the reference. */

import { computed, effect, signal } from "@preact/signals";
import { FAST, SLOW } from "../core/samples/channels";
import type { Span } from "../core/samples/holes";
import { closingLap } from "../core/lap/laps";
import type { Outline } from "../core/lap/outline";
import { outlineOf, reference } from "../core/lap/reference";
import * as rest from "../link/rest";
import type { DriverSummary, Lap } from "../wire";
import type { Driver } from "./driver";
import * as wall from "./wall";

const HOLES_EVERY_MS = 2000;
const LAP_BEFORE_MS = 150_000;
const LONGEST_MS = 600_000;
/** Of the lap before, so that the line is seen crossed. */
const BEFORE_LINE_MS = 500;

/** The track, as the first whole lap of the session was driven on it. */
export const outline = signal<Outline | null>(null);

let holesDue = false;

export async function listSessions(): Promise<void> {
  wall.sessions.value = (await rest.sessions()) ?? wall.sessions.peek();
}

/** Learn who drives in the session and what of it is recorded. */
export async function summarise(): Promise<void> {
  const session = wall.chosenSession.peek();
  outline.value = null;
  if (!session) return;
  const [summary, holes] = await Promise.all([rest.session(session), rest.holes(session)]);
  if (session !== wall.chosenSession.peek()) return;
  for (const about of summary?.drivers ?? []) {
    const driver = wall.driverOf(about.driver);
    if (about.session) driver.session.value ??= wall.wholeSession(about.session);
    const own = (holes ?? []).filter((hole) => hole.driver === about.driver);
    driver.hearStored(spanOf(about), own);
  }
}

/** Ask for holes soon; however often this is called, it asks every two seconds at most. */
export function askHoles(): void {
  if (holesDue || !wall.chosenSession.peek()) return;
  holesDue = true;
  setTimeout(async () => {
    holesDue = false;
    const session = wall.chosenSession.peek();
    const holes = await rest.holes(session);
    if (!holes || session !== wall.chosenSession.peek()) return;
    for (const driver of wall.drivers.peek()) {
      const own = holes.filter((hole) => hole.driver === driver.name);
      const filled = driver.hearStored(null, own);
      if (filled && driver === wall.chosen.peek()) void loadLap(driver);
    }
  }, HOLES_EVERY_MS);
}

/** Fetch what the page missed: after it joined, lost its server, or was too slow. */
export function catchUp(): void {
  const driver = wall.chosen.peek();
  if (driver) void loadLap(driver);
  askHoles();
}

/** Fetch the samples of the lap being driven, so that a page that joins late shows all of it. */
async function loadLap(driver: Driver): Promise<void> {
  driver.lengthen();
  const newest = driver.coverage.peek().span?.[1];
  if (newest === undefined) return;
  const started = driver.laps.peek().at(-1)?.started_ns;
  const begun = started == null ? newest - LAP_BEFORE_MS : started / 1e6 - BEFORE_LINE_MS;
  await load(driver, Math.max(begun, newest - LONGEST_MS), null);
}

/** Fetch a lap of a drive that is over. */
async function loadClosed(driver: Driver, lap: Lap): Promise<void> {
  driver.lengthen();
  const [started, ended] = [(lap.started_ns ?? 0) / 1e6, (lap.ended_ns ?? 0) / 1e6];
  await load(driver, started - BEFORE_LINE_MS, ended);
}

async function load(driver: Driver, fromMs: number, toMs: number | null): Promise<void> {
  const channels = [...FAST, ...SLOW];
  const found = await rest.range(wall.chosenSession.peek(), driver.name, fromMs, toMs, channels);
  if (!found) return;
  driver.fast.addColumns(found.times, found.channels, found.columns);
  driver.slow.addColumns(found.times, found.channels, found.columns);
}

/** Keep the chosen driver's lap and reference loaded, whoever that is. */
export function follow(): void {
  const known = computed(() => wall.chosen.value?.coverage.value.span != null);
  const over = computed(() => wall.clock.value.mode === "paused");
  const closing = computed(() =>
    over.value ? closingLap(wall.chosen.value?.laps.value ?? []) : null,
  );
  effect(() => {
    const driver = wall.chosen.value;
    if (!driver || !known.value) return;
    void (closing.value ? loadClosed(driver, closing.value) : loadLap(driver));
  });
  effect(() => {
    const driver = wall.chosen.value;
    const lap = driver?.referenceLap.value;
    const drawn = driver?.reference.peek()?.lap;
    const same = drawn?.lap_number === lap?.lap_number && drawn?.revision === lap?.revision;
    if (driver && lap && !same) void loadReference(driver);
  });
}

async function loadReference(driver: Driver): Promise<void> {
  const lap = driver.referenceLap.peek();
  if (!lap) return;
  const channels = [...FAST, "sector"];
  const found = await rest.lap(wall.chosenSession.peek(), driver.name, lap.lap_number, channels);
  const current = () => driver.referenceLap.peek() === lap;
  if (!found?.times.length) {
    // The persister may be a moment behind timing.
    setTimeout(() => current() && void loadReference(driver), 2000);
    return;
  }
  // A better lap may have come meanwhile, and its answer before this one.
  if (!current()) return;
  const distance = found.columns[found.channels.indexOf("lap_distance")];
  const longest = distance?.reduce((most, x) => (x > most ? x : most), 0) ?? 0;
  const length = driver.session.peek()?.track_length_m ?? longest;
  const axis = length > 0 && distance ? { kind: "distance" as const, length } : driver.axis();
  driver.reference.value = reference(lap, axis, found);
  outline.value ??= outlineOf(found);
}

function spanOf(about: DriverSummary): Span | null {
  if (about.from_ns === null || about.to_ns === null) return null;
  return [about.from_ns / 1e6, about.to_ns / 1e6];
}
