/** The live feed: subscribes to the race's session and hands each message to its handler. */

import { signal } from "@preact/signals";
import { Arrivals } from "../../core/clock";
import { FAST, SLOW } from "../../core/samples/channels";
import { afterSilence } from "../../core/samples/holes";
import type { Access } from "../../link/access";
import type { Listener, Received, WallSocket } from "../../link/socket";
import type { Timers } from "../../link/timers";
import type { Past } from "../past";
import type { Race } from "../race";
import type { Server } from "../reading";
import type { Sessions } from "../sessions";
import { handle } from "./handlers";
import type { HubWord, Receiver } from "./receiver";

export class Feed implements Listener, Receiver {
  readonly arrivals = new Arrivals();
  readonly dropped = signal(0);
  readonly refusal = signal("");
  readonly hub = signal<HubWord | null>(null);

  constructor(
    private readonly socket: WallSocket,
    private readonly access: Access,
    readonly race: Race,
    readonly past: Past,
    private readonly sessions: Sessions,
    private readonly timers: Timers,
  ) {}

  start(): void {
    this.socket.start(this);
  }

  /** Subscribe to every driver of the race's session; replaces the subscription before. */
  subscribe(): void {
    const session = this.race.session.peek();
    if (!session) return;
    const channels = [...FAST, ...SLOW];
    this.socket.send({ type: "wall.subscribe", session, drivers: [], channels });
  }

  opened(): void {
    this.dropped.value = 0;
    this.subscribe();
    this.catchUp();
  }

  received(message: Received): void {
    handle(message, this);
  }

  accessEnded(): void {
    this.access.ended.value = true;
  }

  catchUp(): void {
    for (const driver of this.race.drivers.peek()) {
      driver.coverage.value = afterSilence(driver.coverage.peek());
    }
    this.past.catchUp();
  }

  dropSession(session: string, driver: string): void {
    this.sessions.drop(session, driver);
    void this.sessions.fetch();
  }

  now(): number {
    return this.timers.now();
  }

  hubNow(pageNow: number): number {
    return this.socket.hubClock.at(pageNow);
  }

  /** Return the server as it is at a monotonic ms of the page. */
  server(pageNow: number): Server {
    return { state: this.socket.state.peek().kind, hubNow: this.hubNow(pageNow), pageNow };
  }
}
