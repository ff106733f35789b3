/** A page's store without a browser: REST, socket, time and frames are the test's. */

import { Store } from "../../src/store/store";
import { Theme } from "../../src/store/theme";
import { FakeGateway, json, loggedIn } from "./gateway";
import { FakeSockets } from "./sockets";
import { FakeTimers } from "./timers";

const HUB_MS = 1_000_000;

export class FakePage {
  readonly gateway = new FakeGateway();
  readonly sockets = new FakeSockets();
  readonly timers = new FakeTimers();
  readonly root: { dataset: DOMStringMap } = { dataset: {} };
  readonly stored = new Map<string, string>();
  readonly store: Store;
  private nextFrame: ((pageNow: number) => void) | null = null;

  constructor(address = "http://hub:8000/?car=MOR") {
    const storage = { setItem: (key: string, value: string) => void this.stored.set(key, value) };
    this.store = new Store({
      fetch: this.gateway.fetch,
      openSocket: this.sockets.open,
      requestFrame: (run) => (this.nextFrame = run),
      timers: this.timers,
      theme: new Theme(this.root, storage, (name) => `${this.root.dataset["theme"]}${name}`),
      address,
    });
    this.gateway
      .on("login", loggedIn("token", 100_000))
      .on("ws-ticket", json({ ticket: "T1" }))
      .on("sessions", json([]));
  }

  /** Log in, start, and connect to a hub whose clock shows `HUB_MS` at the page's 0 ms. */
  async start(session = "evening"): Promise<this> {
    await this.store.access.logIn("login", {});
    this.store.follow(session);
    this.store.start();
    await this.timers.pass(0);
    this.sockets.last.accept();
    this.sockets.last.pong(HUB_MS);
    await this.timers.pass(0);
    return this;
  }

  /** Run the page's next animation frame after `ms`. */
  async frame(ms: number): Promise<void> {
    await this.timers.pass(ms);
    const run = this.nextFrame;
    this.nextFrame = null;
    run?.(this.timers.now());
  }

  /** Return the hub's ms now, as the page estimates it. */
  get hubNow(): number {
    return HUB_MS + this.timers.now();
  }
}
