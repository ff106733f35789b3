import type { Signal } from "@preact/signals";
import type { Arrivals } from "../../core/clock";
import type { Past } from "../past";
import type { HubState } from "../../wire";
import type { Race } from "../race";

/** A state of the hub, and the page's monotonic ms at which it came. */
export interface HubWord {
  readonly state: HubState;
  readonly at: number;
}

/** The parts of the page that a handler of messages may use. */
export interface Receiver {
  readonly race: Race;
  readonly past: Past;
  readonly arrivals: Arrivals;
  /** Messages that this page was too slow for, since it connected. */
  readonly dropped: Signal<number>;
  /** The gateway's reason for refusing the page's last message, "" without one. */
  readonly refusal: Signal<string>;
  /** The hub's last word about its own servers; null before any. */
  readonly hub: Signal<HubWord | null>;
  /** Return the page's monotonic ms. */
  now(): number;
  /** Return the hub's ms since 1970 at a monotonic ms of the page, NaN while not known. */
  hubNow(pageNow: number): number;
  /** Drop a driver's part of a session from the list of sessions, and fetch the list. */
  dropSession(session: string, driver: string): void;
  /** Fetch from Postgres all that this page did not receive. */
  catchUp(): void;
}
