/** What the numbers on the page say at the clock's instant, ten times a second. */

import { signal } from "@preact/signals";
import { WHEELS, type Wheel } from "../core/samples/channels";
import { TRACED } from "../core/lap/driven-lap";
import { lapNumberAt } from "../core/lap/laps";
import { linkOf, LOST_MS, type Link } from "../core/link/link-state";
import type { Driver } from "./driver";
import { socket } from "./feed";
import * as wall from "./wall";

export interface WheelReading {
  readonly temp: number;
  readonly pressure: number;
  readonly wear: number;
}

export interface Traced {
  readonly speed: number;
  readonly throttle: number;
  readonly brake: number;
  readonly steering: number;
  readonly gear: number;
  readonly rpm: number;
  readonly difference: number;
  readonly delta: number;
}

export interface Reading extends Traced {
  /** Hub's ms since 1970. */
  readonly t: number;
  readonly link: Link;
  readonly quietMs: number;
  readonly lapNumber: number;
  readonly lapSeconds: number;
  readonly lapCounts: boolean;
  readonly fuel: number;
  readonly fuelUnit: "L" | "kg";
  readonly position: number;
  readonly inPits: boolean;
  readonly airTemp: number;
  readonly trackTemp: number;
  readonly tyres: Readonly<Record<Wheel, WheelReading>>;
}

const FORGOTTEN_MS = 15 * 60_000;
const DAY_MS = 24 * 3_600_000;

/** The clock's instant, as text shows it. */
export const instant = signal(NaN);
export const reading = signal<Reading | null>(null);
export const links = signal<ReadonlyMap<Driver, Link>>(new Map());
/** The point of the lap under the cursor; it never moves the clock. */
export const inspected = signal<number | null>(null);

export function read(pageNow: number): void {
  const clock = wall.clock.peek();
  instant.value = clock.t;
  links.value = new Map(wall.drivers.peek().map((driver) => [driver, linkNow(driver, pageNow)]));
  const driver = wall.chosen.peek();
  reading.value = driver ? readingOf(driver, clock.t, pageNow) : null;
}

function readingOf(driver: Driver, t: number, pageNow: number): Reading {
  const at = t - driver.offsetMs;
  const slow = (channel: string) => driver.slow.step(channel, at);
  const fuel = (channel: string) => {
    const steady = driver.slow.step(channel, wholeSecond(at));
    return Number.isFinite(steady) ? steady : slow(channel); // nothing is held of so long ago
  };
  const litres = fuel("fuel_level");
  return {
    ...traced(driver, at),
    t,
    link: linkNow(driver, pageNow),
    quietMs: quietMs(driver, pageNow),
    lapNumber: lapNumber(driver, at),
    lapSeconds: driver.lap?.grid.secondsNow ?? NaN,
    lapCounts: slow("lap_valid") !== 0,
    fuel: Number.isFinite(litres) ? litres : fuel("fuel_mass"),
    fuelUnit: Number.isFinite(litres) ? "L" : "kg",
    position: slow("position"),
    inPits: slow("in_pit_lane") === 1,
    airTemp: slow("air_temp"),
    trackTemp: slow("track_temp"),
    tyres: Object.fromEntries(
      WHEELS.map((wheel) => [wheel, tyre(wheel, slow)]),
    ) as Reading["tyres"],
  };
}

function lapNumber(driver: Driver, at: number): number {
  const known = lapNumberAt(driver.laps.peek(), Math.min(at, driver.fast.lastTime));
  return Number.isFinite(known) ? known : driver.fast.step("lap_number", at);
}

/** Gaps and fuel are read once a second, or nobody could. */
export function wholeSecond(t: number): number {
  return Math.floor(t / 1000) * 1000;
}

/** Return the traced values now. */
function traced(driver: Driver, at: number): Traced {
  const fast = driver.fast;
  const grid = driver.lap?.grid;
  const [x, speed] = [grid?.position ?? NaN, grid?.valueNow(TRACED.indexOf("speed")) ?? NaN];
  return {
    speed: fast.at("speed", at) * 3.6,
    throttle: fast.at("throttle", at),
    brake: fast.at("brake", at),
    steering: degrees(fast.at("steering_angle", at)),
    gear: fast.step("gear", at),
    rpm: fast.at("engine_rpm", at),
    ...against(driver, x, speed, grid?.secondsNow ?? NaN),
  };
}

/** Return the traced values at a point of the lap being driven. */
export function tracedAt(driver: Driver, point: number): Traced {
  const grid = driver.lap?.grid;
  const x = point * (grid?.step ?? NaN);
  const value = (channel: (typeof TRACED)[number]) =>
    grid?.columns[TRACED.indexOf(channel)][point] ?? NaN;
  return {
    speed: value("speed") * 3.6,
    throttle: value("throttle"),
    brake: value("brake"),
    steering: degrees(value("steering_angle")),
    gear: value("gear"),
    rpm: value("engine_rpm"),
    ...against(driver, x, value("speed"), grid?.elapsed[point] ?? NaN),
  };
}

function against(
  driver: Driver,
  x: number,
  speed: number,
  seconds: number,
): Pick<Traced, "difference" | "delta"> {
  const reference = driver.reference.peek();
  if (reference?.axis.kind !== "distance" || driver.lap?.axis.kind !== "distance") {
    return { difference: NaN, delta: NaN };
  }
  return {
    difference: (speed - reference.grid.valueAt(TRACED.indexOf("speed"), x)) * 3.6,
    delta: seconds - reference.grid.secondsAt(x),
  };
}

function tyre(wheel: Wheel, slow: (channel: string) => number): WheelReading {
  const surface = slow(`tyre_temp_middle_${wheel}`);
  return {
    temp: Number.isFinite(surface) ? surface : slow(`tyre_temp_core_${wheel}`),
    pressure: slow(`tyre_pressure_${wheel}`) / 1000,
    wear: slow(`tyre_wear_${wheel}`),
  };
}

/** Age of the sample on screen: hub now - captured - offset. */
function ageMs(driver: Driver, at: number, pageNow: number): number {
  const place = driver.fast.search(at);
  if (place < driver.fast.start || !driver.offsetKnown) return NaN;
  return socket.hubClock.at(pageNow) - driver.fast.times[place] - driver.offsetMs;
}

function quietMs(driver: Driver, pageNow: number): number {
  const newest = Math.max(driver.fast.lastTime || 0, driver.coverage.peek().span?.[1] ?? 0);
  const age = newest ? socket.hubClock.at(pageNow) - newest - driver.offsetMs : Infinity;
  return Math.max(0, Math.min(pageNow - driver.sampledAt, Number.isNaN(age) ? Infinity : age));
}

function linkNow(driver: Driver, pageNow: number): Link {
  const seen = driver.presence.peek()?.seen_ms;
  const hubNow = socket.hubClock.at(pageNow);
  const unheardMs = seen === undefined ? Infinity : hubNow - seen;
  const [from, to] = driver.coverage.peek().span ?? [NaN, NaN];
  const quiet = quietMs(driver, pageNow);
  return linkOf({
    driver: driver.name,
    ageMs: ageMs(driver, wall.clock.peek().t - driver.offsetMs, pageNow),
    quietMs: quiet,
    unheardMs,
    sealedMs: sealed(driver, quiet, unheardMs) ? to : null,
    recordedMs: to - from,
    closed: driver.presence.peek()?.closed ?? false,
    connected: socket.state.peek().kind !== "lost",
  });
}

/** Tell whether a drive is over: its game said so, or nobody has heard of it for long. */
function sealed(driver: Driver, quiet: number, unheardMs: number): boolean {
  if (quiet === Infinity) return false;
  if (driver.session.peek()?.finished_ns != null) return quiet > LOST_MS;
  const unseen = driver.sampledAt === -Infinity;
  return unseen && (quiet > DAY_MS || (quiet > FORGOTTEN_MS && unheardMs > LOST_MS));
}

function degrees(radians: number): number {
  return (radians * 180) / Math.PI;
}
