/** A driver's values at one instant, as text shows them. */

import type { DrivenLap } from "../core/lap/driven-lap";
import { lapNumberAt } from "../core/lap/laps";
import { linkOf, LOST_MS, type Link } from "../core/link/link-state";
import { TRACED, WHEELS, type Wheel } from "../core/samples/channels";
import type { LinkUp } from "../link/socket";
import type { Driver } from "./driver";
import type { Driving } from "./driving";

/** The server as the page sees it at one moment. */
export interface Server {
  readonly state: LinkUp["kind"];
  /** Hub's ms since 1970, NaN while not known. */
  readonly hubNow: number;
  /** Page's monotonic ms. */
  readonly pageNow: number;
}

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

export function readingOf({ driver, lap }: Driving, t: number, server: Server): Reading {
  const at = t - driver.offsetMs;
  const slow = (channel: string) => driver.slow.step(channel, at);
  const fuel = (channel: string) => {
    const steady = driver.slow.step(channel, wholeSecond(at));
    return Number.isFinite(steady) ? steady : slow(channel); // the ring may not reach back so far
  };
  const litres = fuel("fuel_level");
  return {
    ...traced(driver, lap, at),
    t,
    link: linkNow(driver, t, server),
    quietMs: quietMs(driver, server),
    lapNumber: lapNumber(driver, at),
    lapSeconds: lap?.grid.secondsNow ?? NaN,
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

/** Return a driver's link at an instant of the hub's clock, with the words for it. */
export function linkNow(driver: Driver, t: number, server: Server): Link {
  const { seen_ms: seen, stored_ms: stored } = driver.presence.peek() ?? {};
  const unseenMs = seen === undefined ? Infinity : server.hubNow - seen;
  const [from, to] = driver.coverage.peek().span ?? [NaN, NaN];
  const quiet = quietMs(driver, server);
  return linkOf({
    driver: driver.name,
    ageMs: ageMs(driver, t - driver.offsetMs, server),
    quietMs: quiet,
    unseenMs,
    kept: driver.presence.peek()?.kept ?? true,
    unstoredMs: seen && stored ? seen - stored : 0,
    sealedMs: sealed(driver, quiet, unseenMs) ? to : null,
    recordedMs: to - from,
    closed: driver.presence.peek()?.closed ?? false,
    connected: server.state !== "lost",
  });
}

/** Return the traced values at a point of a driver's lap. */
export function tracedAt({ driver, lap }: Driving, point: number): Traced {
  const grid = lap?.grid;
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
    ...compared(driver, lap, x, value("speed"), grid?.elapsed[point] ?? NaN),
  };
}

/** Round down to a second: gaps and fuel change at 1 Hz, or nobody could read them. */
export function wholeSecond(t: number): number {
  return Math.floor(t / 1000) * 1000;
}

function traced(driver: Driver, lap: DrivenLap | null, at: number): Traced {
  const fast = driver.fast;
  const grid = lap?.grid;
  const [x, speed] = [grid?.position ?? NaN, grid?.valueNow(TRACED.indexOf("speed")) ?? NaN];
  return {
    speed: fast.at("speed", at) * 3.6,
    throttle: fast.at("throttle", at),
    brake: fast.at("brake", at),
    steering: degrees(fast.at("steering_angle", at)),
    gear: fast.step("gear", at),
    rpm: fast.at("engine_rpm", at),
    ...compared(driver, lap, x, speed, grid?.secondsNow ?? NaN),
  };
}

/** Compare a place of the lap with the reference; NaN where laps are not laid out by distance. */
function compared(
  driver: Driver,
  lap: DrivenLap | null,
  x: number,
  speed: number,
  seconds: number,
): Pick<Traced, "difference" | "delta"> {
  const reference = driver.reference.peek();
  if (reference?.axis.kind !== "distance" || lap?.axis.kind !== "distance") {
    return { difference: NaN, delta: NaN };
  }
  return {
    difference: (speed - reference.grid.valueAt(TRACED.indexOf("speed"), x)) * 3.6,
    delta: seconds - reference.grid.secondsAt(x),
  };
}

function lapNumber(driver: Driver, at: number): number {
  const known = lapNumberAt(driver.laps.peek(), Math.min(at, driver.fast.lastTime));
  return Number.isFinite(known) ? known : driver.fast.step("lap_number", at);
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
function ageMs(driver: Driver, at: number, server: Server): number {
  const place = driver.fast.search(at);
  if (place < driver.fast.start || !driver.offsetKnown) return NaN;
  return server.hubNow - driver.fast.times[place] - driver.offsetMs;
}

/** Time since a sample reached this page, or was captured where that is later. */
function quietMs(driver: Driver, server: Server): number {
  const newest = Math.max(driver.fast.lastTime || 0, driver.coverage.peek().span?.[1] ?? 0);
  const age = newest ? server.hubNow - newest - driver.offsetMs : Infinity;
  const sinceChunk = server.pageNow - driver.sampledAt;
  return Math.max(0, Math.min(sinceChunk, Number.isNaN(age) ? Infinity : age));
}

/** Return whether a drive is over: its game has finished, or its PC was not seen for long. */
function sealed(driver: Driver, quiet: number, unseenMs: number): boolean {
  if (quiet === Infinity) return false;
  if (driver.session.peek()?.finished_ns != null) return quiet > LOST_MS;
  const notLive = driver.sampledAt === -Infinity;
  return notLive && (quiet > DAY_MS || (quiet > FORGOTTEN_MS && unseenMs > LOST_MS));
}

function degrees(radians: number): number {
  return (radians * 180) / Math.PI;
}
