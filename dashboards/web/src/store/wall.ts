/** What the page knows and what is chosen; everything that is drawn comes from here. */

import { computed, signal } from "@preact/signals";
import { liveClock, type Clock } from "../core/clock";
import { SESSION_DEFAULTS, type SentSession, type Session, type SessionSummary } from "../wire";
import { Driver } from "./driver";

export const clock = signal<Clock>(liveClock(NaN));
/** Null until the first answer of the gateway. */
export const sessions = signal<readonly SessionSummary[] | null>(null);
export const chosenSession = signal("");
export const chosenName = signal("");
export const drivers = signal<readonly Driver[]>([]);
/** How many messages this page was too slow for. */
export const dropped = signal(0);
export const refusal = signal("");

export const chosen = computed<Driver | null>(
  () =>
    drivers.value.find((driver) => driver.name === chosenName.value) ?? drivers.value[0] ?? null,
);

/** A session that began after the chosen one and still gets samples, null when there is none. */
export const newerSession = computed<SessionSummary | null>(() => {
  const all = sessions.value ?? [];
  const ours = all.find((session) => session.session === chosenSession.value);
  const newest = all[0];
  const later = newest && ours && newest !== ours && begunNs(newest) > begunNs(ours);
  return later && newest.drivers.some((driver) => driver.session?.finished_ns == null)
    ? newest
    : null;
});

function begunNs(session: SessionSummary): number {
  return Math.min(...session.drivers.map((driver) => driver.from_ns ?? Infinity));
}

/** Return a driver of the session, a new one when it is heard of for the first time. */
export function driverOf(name: string): Driver {
  const known = drivers.peek().find((driver) => driver.name === name);
  if (known) return known;
  const driver = new Driver(name);
  drivers.value = [...drivers.peek(), driver].sort((a, b) => a.name.localeCompare(b.name));
  return driver;
}

export function wholeSession(sent: SentSession): Session {
  return { ...SESSION_DEFAULTS, ...sent };
}

/** The driver's start number, or the name where the sim gives none. */
export function carName(driver: Driver): string {
  const car = driver.session.value?.car;
  return car ? `#${car}` : driver.name;
}

/** Say where the page stands in its address, so that it can be sent to somebody. */
export function remember(): void {
  const params = new URLSearchParams({ session: chosenSession.value, car: chosenName.value });
  history.replaceState(null, "", `?${params}`);
}
