/** The cars of a race at each instant of the last ten minutes, as a driver's sim showed them. */

import type { CarSeen, Entry } from "../wire";

/** One car, in SI units; NaN for what the sim does not give. */
export interface Car {
  readonly car: string;
  readonly own: boolean;
  readonly lap: number;
  readonly x: number;
  readonly y: number;
  readonly position: number;
  /** Seconds behind the leader. */
  readonly gap: number;
  readonly lastLap: number;
  readonly where: CarSeen[7];
}

export interface Instant {
  readonly atMs: number;
  readonly own: string;
  readonly cars: readonly Car[];
}

/** A car of the list around ours. */
export interface Relative extends Car {
  /** Seconds behind us, less than 0 for ahead. */
  readonly behindUs: number;
}

/** Ten minutes at 5 Hz. */
const KEPT = 3000;
/** A place between two instants further apart than this is not known. */
const APART_MS = 1000;
/** Without an instant for longer than this, nothing is known of the race. */
const FORGOTTEN_MS = 10_000;

export class Instants {
  private readonly held: Instant[] = [];

  /** Add an instant; one that comes late takes its place among the others. */
  add(atMs: number, own: string, seen: readonly CarSeen[]): void {
    const place = this.after(atMs);
    if (this.held[place - 1]?.atMs === atMs) return;
    const cars = seen.map((one) => carOf(one, one[0] === own));
    this.held.splice(place, 0, { atMs, own, cars });
    if (this.held.length > KEPT) this.held.shift();
  }

  /** Return the race at an instant, with places between its neighbours; null where unknown. */
  at(atMs: number): Instant | null {
    const place = this.after(atMs);
    const before = this.held[place - 1];
    if (!before || atMs - before.atMs > FORGOTTEN_MS) return null;
    const next = this.held[place];
    if (!next || next.atMs - before.atMs > APART_MS) return before;
    const share = (atMs - before.atMs) / (next.atMs - before.atMs);
    const later = new Map(next.cars.map((car) => [car.car, car]));
    return { ...before, cars: before.cars.map((car) => between(car, later.get(car.car), share)) };
  }

  /** Return the index of the first instant after a time. */
  private after(atMs: number): number {
    let [low, high] = [0, this.held.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.held[middle].atMs <= atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Return the cars around ours in the order of the race: so many ahead, us, so many behind. */
export function relatives(instant: Instant | null, each: number): readonly Relative[] {
  const ranked = (instant?.cars ?? []).filter((car) => car.position > 0);
  const ordered = ranked.sort((a, b) => a.position - b.position);
  const us = ordered.findIndex((car) => car.own);
  if (us < 0 || ordered.length < 2) return [];
  return ordered
    .slice(Math.max(0, us - each), us + each + 1)
    .map((car) => ({ ...car, behindUs: car.gap - ordered[us].gap }));
}

/** Return the start number and the driver of a car, as far as they are known. */
export function named(car: string, entries: readonly Entry[]): { number: string; driver: string } {
  const entry = entries.find(([name]) => name === car);
  return { number: entry?.[2] || car, driver: entry?.[1] ?? "" };
}

function carOf(seen: CarSeen, own: boolean): Car {
  const [car, lap, , x, y, position, gap, where, , , last] = seen;
  return {
    car,
    own,
    where,
    lap: lap ?? NaN,
    x: x === null ? NaN : x / 10,
    y: y === null ? NaN : y / 10,
    position: position ?? NaN,
    gap: gap === null ? NaN : gap / 1000,
    lastLap: last === null ? NaN : last / 1000,
  };
}

function between(car: Car, later: Car | undefined, share: number): Car {
  if (!later) return car;
  const part = (from: number, to: number) => from + share * (to - from);
  return { ...car, x: part(car.x, later.x), y: part(car.y, later.y) };
}
