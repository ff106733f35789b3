/** The past as Postgres has it: the session's drivers, holes, the lap so far, the reference. */

import { computed, effect } from "@preact/signals";
import { closingLap } from "../core/lap/laps";
import { outlineOf, reference } from "../core/lap/reference";
import { FAST, SLOW } from "../core/samples/channels";
import type { Span } from "../core/samples/holes";
import { wholeSession } from "../core/session";
import type { Rest } from "../link/rest";
import type { Timers } from "../link/timers";
import type { DriverSummary, Lap } from "../wire";
import type { Driver } from "./driver";
import type { Race } from "./race";
import type { View } from "./view";

const HOLES_EVERY_MS = 2000;
const REFERENCE_RETRY_MS = 2000;
const LAP_BEFORE_MS = 150_000;
const LONGEST_MS = 600_000;
/** Fetched of the lap before, so that the crossing of the line is among the samples. */
const BEFORE_LINE_MS = 500;

export class Past {
  private readonly views = new Set<View>();
  private holesDue = false;

  constructor(
    private readonly rest: Rest,
    private readonly race: Race,
    private readonly timers: Timers,
  ) {}

  /** Keep the lap and the reference of a view's driver loaded; return a function that ends it. */
  follow(view: View): () => void {
    this.views.add(view);
    const known = computed(() => view.chosen.value?.coverage.value.span != null);
    const over = computed(() => view.clock.value.mode === "paused");
    const closing = computed(() =>
      over.value ? closingLap(view.chosen.value?.laps.value ?? []) : null,
    );
    const endLap = effect(() => {
      const driver = view.chosen.value;
      if (!driver || !known.value) return;
      void (closing.value ? this.loadClosed(driver, closing.value) : this.loadLap(driver));
    });
    const endReference = effect(() => {
      const driver = view.chosen.value;
      const lap = driver?.referenceLap.value;
      const drawn = driver?.reference.peek()?.lap;
      const same = drawn?.lap_number === lap?.lap_number && drawn?.revision === lap?.revision;
      if (driver && lap && !same) void this.loadReference(driver, view);
    });
    return () => {
      this.views.delete(view);
      endLap();
      endReference();
    };
  }

  /** Fetch the session's drivers, and the recorded span and holes of each. */
  async summarise(): Promise<void> {
    const session = this.race.session.peek();
    if (!session) return;
    const asked = [this.rest.session(session), this.rest.holes(session)] as const;
    const [summary, holes] = await Promise.all(asked);
    if (session !== this.race.session.peek()) return;
    for (const about of summary?.drivers ?? []) {
      const driver = this.race.driverOf(about.driver);
      if (about.session) driver.session.value ??= wholeSession(about.session);
      const own = (holes ?? []).filter((hole) => hole.driver === about.driver);
      driver.takeStored(spanOf(about), own);
      driver.removedMs.value = about.removed_ms;
    }
  }

  /** Fetch holes soon: at most one request every two seconds, however often this is called. */
  refreshHoles(): void {
    if (this.holesDue || !this.race.session.peek()) return;
    this.holesDue = true;
    this.timers.after(HOLES_EVERY_MS, () => {
      this.holesDue = false;
      void this.fetchHoles();
    });
  }

  /** Fetch who drives the cars around a driver, once. */
  async fetchEntries(driver: Driver, atMs: number): Promise<void> {
    driver.entries.value = [];
    const found = await this.rest.cars(this.race.session.peek(), driver.name, atMs);
    if (!found || driver.entries.peek()?.length) return;
    driver.entries.value = found.cars.map(
      (one) => [one.car, one.driver, one.number, one.model, one.car_class] as const,
    );
  }

  /** Fetch samples and holes again: after a connect, or when the page was too slow. */
  catchUp(): void {
    for (const driver of this.shown()) void this.loadLap(driver);
    this.refreshHoles();
  }

  private shown(): ReadonlySet<Driver> {
    return new Set([...this.views].flatMap((view) => view.chosen.peek() ?? []));
  }

  private async fetchHoles(): Promise<void> {
    const session = this.race.session.peek();
    const holes = await this.rest.holes(session);
    if (!holes || session !== this.race.session.peek()) return;
    for (const driver of this.race.drivers.peek()) {
      const own = holes.filter((hole) => hole.driver === driver.name);
      const filled = driver.takeStored(null, own);
      if (filled && this.shown().has(driver)) void this.loadLap(driver);
    }
  }

  /** Fetch the samples of the lap being driven, so that a page that joins late shows all of it. */
  private async loadLap(driver: Driver): Promise<void> {
    driver.lengthen();
    const newest = driver.coverage.peek().span?.[1];
    if (newest === undefined) return;
    const started = driver.laps.peek().at(-1)?.started_ns;
    const begun = started == null ? newest - LAP_BEFORE_MS : started / 1e6 - BEFORE_LINE_MS;
    await this.load(driver, Math.max(begun, newest - LONGEST_MS), null);
  }

  /** Fetch the samples of a lap of a drive that is over. */
  private async loadClosed(driver: Driver, lap: Lap): Promise<void> {
    driver.lengthen();
    const [started, ended] = [(lap.started_ns ?? 0) / 1e6, (lap.ended_ns ?? 0) / 1e6];
    await this.load(driver, started - BEFORE_LINE_MS, ended);
  }

  private async load(driver: Driver, fromMs: number, toMs: number | null): Promise<void> {
    const session = this.race.session.peek();
    const channels = [...FAST, ...SLOW];
    const found = await this.rest.range(session, driver.name, fromMs, toMs, channels);
    if (!found) return;
    driver.fast.addColumns(found.times, found.channels, found.columns);
    driver.slow.addColumns(found.times, found.channels, found.columns);
  }

  private async loadReference(driver: Driver, view: View): Promise<void> {
    const lap = driver.referenceLap.peek();
    if (!lap) return;
    const session = this.race.session.peek();
    const channels = [...FAST, "sector"];
    const found = await this.rest.lap(session, driver.name, lap.lap_number, channels);
    const current = () => driver.referenceLap.peek() === lap;
    if (!found?.times.length) {
      if (driver.removedMs.peek() !== null) return;
      // The persister may be a moment behind timing.
      const retry = () => current() && void this.loadReference(driver, view);
      this.timers.after(REFERENCE_RETRY_MS, retry);
      return;
    }
    // A better lap may have been fetched while this request waited.
    if (!current()) return;
    const distance = found.columns[found.channels.indexOf("lap_distance")];
    const longest = distance?.reduce((most, x) => (x > most ? x : most), 0) ?? 0;
    const length = driver.session.peek()?.track_length_m ?? longest;
    const axis =
      length > 0 && distance
        ? { kind: "distance" as const, length }
        : driver.axis(view.drivingOf(driver).lap);
    driver.reference.value = reference(lap, axis, found);
    if (this.race.drivers.peek().includes(driver)) this.race.outline.value ??= outlineOf(found);
  }
}

function spanOf(about: DriverSummary): Span | null {
  if (about.from_ns === null || about.to_ns === null) return null;
  return [about.from_ns / 1e6, about.to_ns / 1e6];
}
