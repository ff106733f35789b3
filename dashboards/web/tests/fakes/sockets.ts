/** WebSockets whose other end is the test. */

import { decode, encode } from "@msgpack/msgpack";
import type { FromPage, ToPage } from "../../src/wire";

export class FakeSocket {
  binaryType: BinaryType = "blob";
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: ArrayBuffer }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly sent: FromPage[] = [];

  constructor(readonly address: string) {}

  send(bytes: Uint8Array): void {
    this.sent.push(decode(bytes) as FromPage);
  }

  /** Close as the page does: the browser reports it later, or never on a dead link. */
  close(): void {
    this.readyState = 2;
  }

  accept(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  deliver(message: ToPage): void {
    const bytes = encode(message);
    this.onmessage?.({ data: bytes.slice().buffer });
  }

  /** Answer the last ping as a hub whose clock shows `hubMs`. */
  pong(hubMs: number): void {
    const ping = this.sent.findLast((message) => message.type === "wall.ping");
    if (!ping) throw new Error("the page sent no ping");
    this.deliver({ type: "wall.pong", token: ping.token, hub_ms: hubMs });
  }

  fail(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }
}

export class FakeSockets {
  readonly all: FakeSocket[] = [];

  readonly open = (address: string): WebSocket => {
    const socket = new FakeSocket(address);
    this.all.push(socket);
    return socket as unknown as WebSocket;
  };

  get last(): FakeSocket {
    const socket = this.all.at(-1);
    if (!socket) throw new Error("the page opened no socket");
    return socket;
  }
}
