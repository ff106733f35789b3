/** The page's state and its links to the hub; made once by main.tsx and handed down by context. */

import { effect } from "@preact/signals";
import { Access } from "../link/access";
import { Rest } from "../link/rest";
import { WallSocket } from "../link/socket";
import type { Timers } from "../link/timers";
import { Deletion } from "./deletion";
import { Feed } from "./feed/feed";
import { AnimationLoop, type RequestFrame } from "./loop";
import { Past } from "./past";
import { Race } from "./race";
import { Sessions } from "./sessions";
import { Sheets } from "./sheets";
import type { Theme } from "./theme";
import { View } from "./view";

/** The parts of a browser that the store uses. */
export interface Browser {
  readonly fetch: typeof globalThis.fetch;
  readonly openSocket: (address: string) => WebSocket;
  readonly requestFrame: RequestFrame;
  readonly timers: Timers;
  readonly theme: Theme;
  /** The page's own address. */
  readonly address: string;
}

export class Store {
  readonly access: Access;
  readonly socket: WallSocket;
  readonly race = new Race();
  readonly sheets = new Sheets();
  /** The wall's own view; another panel gets a view of its own. */
  readonly view = new View(this.race);
  readonly sessions: Sessions;
  readonly deletion: Deletion;
  readonly feed: Feed;
  readonly loop: AnimationLoop;
  readonly theme: Theme;
  private readonly past: Past;

  constructor(browser: Browser) {
    const { timers } = browser;
    this.theme = browser.theme;
    this.access = new Access(browser.fetch, timers.now);
    const rest = new Rest((path, init) => this.access.request(path, init));
    const address = () => liveAddress(this.access, browser.address);
    this.socket = new WallSocket(address, browser.openSocket, timers);
    this.sessions = new Sessions(rest, this.race, timers);
    this.deletion = new Deletion(this.access, this.race);
    this.past = new Past(rest, this.race, timers);
    this.feed = new Feed(this.socket, this.access, this.race, this.past, this.sessions, timers);
    this.loop = new AnimationLoop(this.race, this.feed, browser.requestFrame);
  }

  /** Connect, and follow the newest session until another one is chosen. */
  start(): void {
    effect(() => {
      const newest = this.sessions.list.value?.[0]?.session;
      if (newest && !this.race.session.peek()) this.follow(newest);
    });
    this.feed.start();
    this.show(this.view);
    this.loop.start();
    this.sessions.start();
  }

  /** Keep a view loaded and its clock moving; return a function that ends it. */
  show(view: View): () => void {
    const ends = [this.past.follow(view), this.loop.move(view)];
    return () => ends.forEach((end) => end());
  }

  /** Follow a session from now on; everything of the one before is dropped. */
  follow(session: string): void {
    if (session !== this.race.session.peek()) {
      this.race.follow(session);
      void this.past.summarise();
    }
    this.feed.subscribe();
  }
}

async function liveAddress(access: Access, page: string): Promise<string | null> {
  const ticket = await access.ticket();
  if (ticket === null) return null;
  const live = new URL("api/v1/live", page);
  live.protocol = live.protocol.replace("http", "ws");
  live.search = new URLSearchParams({ ticket }).toString();
  return live.href;
}
