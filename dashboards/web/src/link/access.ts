/** Who is logged in: the access token stays in memory, the refresh token in a cookie no script reads. */

import { signal } from "@preact/signals";
import type { LoggedIn, Me, Problem, WsTicket } from "../wire";

const BASE = "api/v1";
const TIMEOUT_MS = 15_000;
/** Sooner than the server's ten seconds of grace, so that a lost answer is asked for again in time. */
const RENEW_TIMEOUT_MS = 4_000;
const RENEW_BEFORE_MS = 60_000;

/** Null until somebody is logged in. */
export const me = signal<Me | null>(null);
/** Whoever was logged in is not any more. */
export const ended = signal(false);

let token = "";
let renewAt = 0;
let renewing: Promise<Answer> | null = null;

type Answer = "in" | "out" | "away";

/** Use the cookie of an earlier visit. */
export function renew(): Promise<Answer> {
  renewing ??= renewed().finally(() => {
    renewing = null;
  });
  return renewing;
}

async function renewed(): Promise<Answer> {
  for (let tries = 0; tries < 2; tries++) {
    const response = await send("refresh", { method: "POST" }, RENEW_TIMEOUT_MS);
    if (response?.ok) return take((await response.json()) as LoggedIn);
    if (response?.status === 401) return leave();
  }
  return "away";
}

/** Log in; returns why not, "" when it worked. */
export async function enter(path: string, body: object): Promise<string> {
  const response = await send(path, json("POST", body), TIMEOUT_MS);
  if (!response?.ok) return problem(response);
  take((await response.json()) as LoggedIn);
  return "";
}

export async function logOut(everywhere: boolean): Promise<void> {
  await request(everywhere ? "logout/everywhere" : "logout", { method: "POST" });
  location.reload();
}

/** Ask the API as who is logged in; null when there is no answer. */
export async function request(path: string, init: RequestInit = {}): Promise<Response | null> {
  if (ended.peek()) return null;
  if (performance.now() > renewAt) await renew();
  const response = await asked(path, init);
  if (response?.status !== 401 || (await renew()) !== "in") return response;
  return asked(path, init);
}

/** Change something; returns why not, "" when it worked. */
export async function change(method: string, path: string, body?: object): Promise<string> {
  const response = await request(path, body ? json(method, body) : { method });
  return response?.ok ? "" : problem(response);
}

/** Return what opens the WebSocket once, null when there is no answer. */
export async function ticket(): Promise<string | null> {
  const response = await request("ws-ticket", { method: "POST" });
  return response?.ok ? ((await response.json()) as WsTicket).ticket : null;
}

export async function problem(response: Response | null): Promise<string> {
  if (!response) return "The hub does not answer, try again.";
  const told = (await response.json().catch(() => null)) as Problem | null;
  const words = told?.detail ?? `The hub answers ${response.status}.`;
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function json(method: string, body: object): RequestInit {
  const headers = { "content-type": "application/json" };
  return { method, headers, body: JSON.stringify(body) };
}

function asked(path: string, init: RequestInit): Promise<Response | null> {
  const headers = { ...init.headers, authorization: `Bearer ${token}` };
  return send(path, { ...init, headers }, TIMEOUT_MS);
}

async function send(path: string, init: RequestInit, timeoutMs: number): Promise<Response | null> {
  try {
    return await fetch(`${BASE}/${path}`, { ...init, signal: AbortSignal.timeout(timeoutMs) });
  } catch {
    return null; // offline, or too slow: who asked tries again
  }
}

function take(told: LoggedIn): Answer {
  token = told.access_token;
  renewAt = performance.now() + told.expires_s * 1000 - RENEW_BEFORE_MS;
  me.value = told.me;
  return "in";
}

function leave(): Answer {
  if (me.peek()) ended.value = true;
  return "out";
}
