/** The WebSocket to the gateway: kept open, tried again with growing waits, watched for silence. */

import { decode, encode } from "@msgpack/msgpack";
import { signal } from "@preact/signals";
import { HubClock } from "../core/link/hub-clock";
import type { FromPage, ToPage } from "../wire";

export type LinkUp =
  | { readonly kind: "connecting" }
  | { readonly kind: "open" }
  | { readonly kind: "lost"; readonly retryAt: number };

const WAITS_MS = [500, 1000, 2000, 4000, 8000];
const PING_MS = 2000;
const FIRST_PINGS = 4;
const SILENCE_MS = 6000;
/** The gateway's close code for who may not stay. */
const NO_ACCESS = 4401;

export class WallSocket {
  readonly state = signal<LinkUp>({ kind: "connecting" });
  readonly hubClock = new HubClock();
  private socket: WebSocket | null = null;
  private failures = 0;
  private heardAt = 0;

  constructor(
    /** Where to connect, with a ticket that is used once; null when there is none. */
    private readonly address: () => Promise<string | null>,
    private readonly opened: () => void,
    private readonly heard: (message: ToPage) => void,
    private readonly turnedOut: () => void,
  ) {}

  start(): void {
    void this.connect();
    setInterval(() => this.watch(), PING_MS);
  }

  send(message: FromPage): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(encode(message));
  }

  private async connect(): Promise<void> {
    const address = await this.address();
    if (address === null) return this.retry();
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.heardAt = performance.now();
    socket.onopen = () => {
      this.hubClock.forget();
      for (let i = 0; i < FIRST_PINGS; i++) this.ping();
      this.opened();
    };
    socket.onmessage = (event: MessageEvent<ArrayBuffer>) => this.take(event.data);
    socket.onclose = (event) => {
      if (event.code === NO_ACCESS) this.turnedOut();
      this.lose(socket);
    };
  }

  private take(bytes: ArrayBuffer): void {
    const received = performance.now();
    this.heardAt = received;
    const message = decode(bytes) as ToPage;
    if (message.type !== "wall.pong") return this.heard(message);
    this.hubClock.heard(message.token, received, message.hub_ms);
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
    const waitMs = WAITS_MS[Math.min(this.failures, WAITS_MS.length - 1)];
    this.failures += 1;
    this.state.value = { kind: "lost", retryAt: performance.now() + waitMs };
    setTimeout(() => void this.connect(), waitMs);
  }

  private ping(): void {
    this.send({ type: "wall.ping", token: performance.now() });
  }

  private watch(): void {
    const socket = this.socket;
    if (socket && performance.now() - this.heardAt > SILENCE_MS) {
      socket.close();
      this.lose(socket); // a dead link never reports its close
    } else this.ping();
  }
}
