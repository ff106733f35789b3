/** The list of sessions, and whether a newer one than the followed one is being driven. */

import { computed, signal } from "@preact/signals";
import type { Rest } from "../link/rest";
import type { Timers } from "../link/timers";
import type { Removal, SessionSummary } from "../wire";
import type { Race } from "./race";

/** While no session is known, and afterwards. */
const SOON_MS = 2000;
const SETTLED_MS = 20_000;

export class Sessions {
  /** The newest first; null until the gateway's first answer. */
  readonly list = signal<readonly SessionSummary[] | null>(null);
  /** The path of the next page of the list, null when the list is whole. */
  readonly next = signal<string | null>(null);
  /** A session that began after the followed one and still gets samples, null without one. */
  readonly newer = computed<SessionSummary | null>(() => {
    const all = this.list.value ?? [];
    const ours = all.find((session) => session.session === this.race.session.value);
    const newest = all[0];
    const later = newest && ours && newest !== ours && begunNs(newest) > begunNs(ours);
    return later && newest.drivers.some((driver) => driver.session?.finished_ns == null)
      ? newest
      : null;
  });

  /** What retention removes of the followed session next, null for nothing. */
  readonly removal = computed<Removal | null>(
    () =>
      this.list.value?.find((session) => session.session === this.race.session.value)?.removal ??
      null,
  );

  constructor(
    private readonly rest: Rest,
    private readonly race: Race,
    private readonly timers: Timers,
  ) {}

  /** List sessions now and from then on: often until one is followed. */
  start(): void {
    void this.fetch();
    let fetchedAt = this.timers.now();
    this.timers.every(SOON_MS, () => {
      const now = this.timers.now();
      if (this.race.session.peek() && now - fetchedAt < SETTLED_MS) return;
      fetchedAt = now;
      void this.fetch();
    });
  }

  /** Fetch the first page again; sessions of later pages stay. */
  async fetch(): Promise<void> {
    const page = await this.rest.sessions();
    if (!page) return;
    if (this.next.peek() === null && this.list.peek() === null) this.next.value = page.next;
    const known = page.next === null ? [] : (this.list.peek() ?? []);
    this.list.value = merged(page.rows, known);
  }

  /** Drop a driver's part of a session, and the session with its last driver. */
  drop(name: string, driver: string): void {
    const rest = (this.list.peek() ?? []).map((session) =>
      session.session === name
        ? { ...session, drivers: session.drivers.filter((one) => one.driver !== driver) }
        : session,
    );
    if (this.list.peek()) this.list.value = rest.filter((session) => session.drivers.length);
  }

  /** Fetch the next page. */
  async more(): Promise<void> {
    const path = this.next.peek();
    const page = path && (await this.rest.sessions(path));
    if (!page) return;
    this.next.value = page.next;
    this.list.value = merged(page.rows, this.list.peek() ?? []);
  }
}

/** Return fresh sessions and the known ones that are not among them, the newest first. */
function merged(
  fresh: readonly SessionSummary[],
  known: readonly SessionSummary[],
): readonly SessionSummary[] {
  const names = new Set(fresh.map((session) => session.session));
  const kept = known.filter((session) => !names.has(session.session));
  return [...fresh, ...kept].sort((a, b) => endedNs(b) - endedNs(a));
}

function endedNs(session: SessionSummary): number {
  const ends = session.drivers.map((driver) => driver.to_ns ?? driver.session?.started_ns ?? 0);
  return Math.max(0, ...ends);
}

function begunNs(session: SessionSummary): number {
  return Math.min(...session.drivers.map((driver) => driver.from_ns ?? Infinity));
}
