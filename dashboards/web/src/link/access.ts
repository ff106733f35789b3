/** The login: an access token in memory, and a refresh token in a cookie that no script reads. */

import { signal } from "@preact/signals";
import type { LoggedIn, Me, WsTicket } from "../wire";
import { problem } from "./problem";

const BASE = "api/v1";
const TIMEOUT_MS = 15_000;
/** Less than the server's ten seconds of grace, so that a retry after a lost answer is valid. */
const RENEW_TIMEOUT_MS = 4_000;
const RENEW_TRIES = 2;
const RENEW_BEFORE_MS = 60_000;

export type Renewal = "logged in" | "logged out" | "no answer";

export class Access {
  /** Null until somebody is logged in. */
  readonly me = signal<Me | null>(null);
  /** True once a login that this page had is no longer valid. */
  readonly ended = signal(false);
  private token = "";
  private renewAt = 0;
  private renewing: Promise<Renewal> | null = null;

  constructor(
    private readonly fetch: typeof globalThis.fetch,
    private readonly now: () => number,
  ) {}

  /** Renew the access token by the cookie; calls at the same time share one request. */
  renew(): Promise<Renewal> {
    this.renewing ??= this.renewed().finally(() => {
      this.renewing = null;
    });
    return this.renewing;
  }

  /** Log in; return the reason of a refusal, "" on success. */
  async logIn(path: string, body: object): Promise<string> {
    const response = await this.send(path, json("POST", body), TIMEOUT_MS);
    if (!response?.ok) return problem(response);
    this.accept((await response.json()) as LoggedIn);
    return "";
  }

  async logOut(everywhere: boolean): Promise<void> {
    await this.request(everywhere ? "logout/everywhere" : "logout", { method: "POST" });
  }

  /** Send a request with the access token, renewed when it has to be; null without an answer. */
  async request(path: string, init: RequestInit = {}): Promise<Response | null> {
    if (this.ended.peek()) return null;
    if (this.now() > this.renewAt) await this.renew();
    const response = await this.sendWithToken(path, init);
    if (response?.status !== 401 || (await this.renew()) !== "logged in") return response;
    return this.sendWithToken(path, init);
  }

  /** Change something; return the reason of a refusal, "" on success. */
  async change(method: string, path: string, body?: object): Promise<string> {
    const response = await this.request(path, body ? json(method, body) : { method });
    return response?.ok ? "" : problem(response);
  }

  /** Fetch a ticket that opens the WebSocket once; null without an answer. */
  async ticket(): Promise<string | null> {
    const response = await this.request("ws-ticket", { method: "POST" });
    return response?.ok ? ((await response.json()) as WsTicket).ticket : null;
  }

  private async renewed(): Promise<Renewal> {
    for (let tries = 0; tries < RENEW_TRIES; tries++) {
      const response = await this.send("refresh", { method: "POST" }, RENEW_TIMEOUT_MS);
      if (response?.ok) {
        this.accept((await response.json()) as LoggedIn);
        return "logged in";
      }
      if (response?.status === 401) {
        if (this.me.peek()) this.ended.value = true;
        return "logged out";
      }
    }
    return "no answer";
  }

  private accept(answer: LoggedIn): void {
    this.token = answer.access_token;
    this.renewAt = this.now() + answer.expires_s * 1000 - RENEW_BEFORE_MS;
    this.me.value = answer.me;
  }

  private sendWithToken(path: string, init: RequestInit): Promise<Response | null> {
    const headers = { ...init.headers, authorization: `Bearer ${this.token}` };
    return this.send(path, { ...init, headers }, TIMEOUT_MS);
  }

  private async send(path: string, init: RequestInit, timeoutMs: number): Promise<Response | null> {
    const { fetch } = this;
    try {
      return await fetch(`${BASE}/${path}`, { ...init, signal: AbortSignal.timeout(timeoutMs) });
    } catch {
      return null; // offline, or too slow: the caller decides whether to retry
    }
  }
}

/** Return the options of a request that sends JSON. */
export function json(method: string, body: object): RequestInit {
  const headers = { "content-type": "application/json" };
  return { method, headers, body: JSON.stringify(body) };
}
