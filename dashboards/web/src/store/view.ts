/** A place where the race is shown: its clock, its driver, and their values at that instant. */

import { computed, signal } from "@preact/signals";
import { advanced, eased, liveClock, pausedClock, type Clock } from "../core/clock";
import { closingLap } from "../core/lap/laps";
import type { Link } from "../core/link/link-state";
import type { Moment } from "../wire";
import type { Driver } from "./driver";
import { Driving } from "./driving";
import type { Race } from "./race";
import { linkNow, readingOf, type Reading, type Server } from "./reading";

export class View {
  readonly clock = signal<Clock>(liveClock(NaN));
  readonly chosenName = signal("");
  readonly chosen = computed<Driver | null>(() => {
    const drivers = this.race.drivers.value;
    return drivers.find((driver) => driver.name === this.chosenName.value) ?? drivers[0] ?? null;
  });
  /** The clock's instant, refreshed at the rate of text. */
  readonly instant = signal(NaN);
  readonly reading = signal<Reading | null>(null);
  readonly links = signal<ReadonlyMap<Driver, Link>>(new Map());
  /** The point of the lap under the cursor; it never moves the clock. */
  readonly inspected = signal<number | null>(null);
  /** The moment that is bracketed on the traces, null for none. */
  readonly moment = signal<Moment | null>(null);
  private readonly drivings = new WeakMap<Driver, Driving>();

  constructor(readonly race: Race) {}

  /** Return the chosen driver at the clock's instant; null without a driver. */
  get driving(): Driving | null {
    const driver = this.chosen.peek();
    return driver && this.drivingOf(driver);
  }

  drivingOf(driver: Driver): Driving {
    const known = this.drivings.get(driver) ?? new Driving(driver);
    this.drivings.set(driver, known);
    return known;
  }

  /** Move the clock by `elapsedMs` while connected, and the chosen driver to its instant. */
  advance(server: Server, worstArrivalMs: number, elapsedMs: number): void {
    if (server.state === "open") {
      const clock = eased(this.clock.peek(), worstArrivalMs, elapsedMs);
      this.clock.value = advanced(clock, server.hubNow, elapsedMs);
    }
    this.driving?.advance(this.clock.peek().t);
  }

  /** Read the values that text shows. */
  read(server: Server): void {
    const { t } = this.clock.peek();
    const drivers = this.race.drivers.peek();
    this.instant.value = t;
    this.links.value = new Map(drivers.map((driver) => [driver, linkNow(driver, t, server)]));
    this.reading.value = this.driving && readingOf(this.driving, t, server);
    if (server.state === "open") this.restAtEnd();
  }

  /** A race that is over has no live end: the clock stands at the end of its last lap. */
  private restAtEnd(): void {
    const clock = this.clock.peek();
    const all = [...this.links.peek().values()];
    const over = all.length > 0 && all.every((link) => link.kind === "recorded");
    if (!over && clock.mode === "paused") this.clock.value = { ...clock, mode: "live" };
    if (!over) return;
    const driver = this.chosen.peek();
    const ended = closingLap(driver?.laps.peek() ?? [])?.ended_ns;
    const newest = driver?.coverage.peek().span?.[1] ?? NaN;
    const t = (ended == null ? newest : ended / 1e6 - 1) + (driver?.offsetMs ?? 0);
    if (clock.mode !== "paused" || clock.t !== t) this.clock.value = pausedClock(t);
  }
}
