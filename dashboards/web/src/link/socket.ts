/** The WebSocket to the gateway: reconnects with growing waits, and closes a silent link. */

import { decode, encode } from "@msgpack/msgpack";
import { signal } from "@preact/signals";
import { HubClock } from "../core/link/hub-clock";
import type { FromPage, Pong, ToPage } from "../wire";
import type { Timers } from "./timers";

export type LinkUp =
  | { readonly kind: "connecting" }
  | { readonly kind: "open" }
  | { readonly kind: "lost"; readonly retryAt: number };

/** A message for the page; pongs stay with the socket. */
export type Received = Exclude<ToPage, Pong>;

export interface Listener {
  /** Called after each connect; a subscription does not outlive its connection. */
  opened(): void;
  received(message: Received): void;
  /** Called when the gateway closes the link because access has ended. */
  accessEnded(): void;
}

const RETRY_WAITS_MS = [500, 1000, 2000, 4000, 8000];
const PING_MS = 2000;
const FIRST_PINGS = 4;
const SILENCE_MS = 6000;
/** The gateway's close code for a page whose access has ended. */
const NO_ACCESS = 4401;
const OPEN = 1;

export class WallSocket {
  readonly state = signal<LinkUp>({ kind: "connecting" });
  readonly hubClock = new HubClock();
  private socket: WebSocket | null = null;
  private listener: Listener | null = null;
  private failures = 0;
  private receivedAt = 0;

  constructor(
    /** Return the address with a ticket that is valid once; null without a ticket. */
    private readonly address: () => Promise<string | null>,
    private readonly open: (address: string) => WebSocket,
    private readonly timers: Timers,
  ) {}

  start(listener: Listener): void {
    this.listener = listener;
    void this.connect();
    this.timers.every(PING_MS, () => this.watch());
  }

  /** Send a message; without a connection it is dropped. */
  send(message: FromPage): void {
    if (this.socket?.readyState === OPEN) this.socket.send(encode(message));
  }

  private async connect(): Promise<void> {
    const address = await this.address();
    if (address === null) return this.retry();
    const { open } = this;
    const socket = open(address);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.receivedAt = this.timers.now();
    socket.onopen = () => {
      this.hubClock.forget();
      for (let i = 0; i < FIRST_PINGS; i++) this.ping();
      this.listener?.opened();
    };
    socket.onmessage = (event: MessageEvent<ArrayBuffer>) => this.receive(event.data);
    socket.onclose = (event) => {
      if (event.code === NO_ACCESS) this.listener?.accessEnded();
      this.lose(socket);
    };
  }

  private receive(bytes: ArrayBuffer): void {
    const now = this.timers.now();
    this.receivedAt = now;
    const message = decode(bytes) as ToPage;
    if (message.type !== "wall.pong") return this.listener?.received(message);
    this.hubClock.add(message.token, now, message.hub_ms);
    if (this.state.peek().kind !== "open") {
      this.failures = 0;
      this.state.value = { kind: "open" };
    }
  }

  private lose(socket: WebSocket): void {
    if (socket !== this.socket) return;
    this.socket = null;
    this.retry();
  }

  private retry(): void {
    const waitMs = RETRY_WAITS_MS[Math.min(this.failures, RETRY_WAITS_MS.length - 1)];
    this.failures += 1;
    this.state.value = { kind: "lost", retryAt: this.timers.now() + waitMs };
    this.timers.after(waitMs, () => void this.connect());
  }

  private ping(): void {
    this.send({ type: "wall.ping", token: this.timers.now() });
  }

  private watch(): void {
    const socket = this.socket;
    if (socket && this.timers.now() - this.receivedAt > SILENCE_MS) {
      socket.close();
      this.lose(socket); // a dead connection never reports its close
    } else this.ping();
  }
}
