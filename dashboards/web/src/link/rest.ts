/** The gateway's REST: sessions, laps' telemetry and holes; null when there is no answer. */

import { decode } from "@msgpack/msgpack";
import type { Columns } from "../core/lap/reference";
import type { Hole, PackedTraces, SessionSummary } from "../wire";
import { request } from "./access";

const FOREVER_NS = 2n ** 63n - 1n;

export function sessions(): Promise<readonly SessionSummary[] | null> {
  return json(`sessions`);
}

export function session(name: string): Promise<SessionSummary | null> {
  return json(`sessions/${name}`);
}

export function holes(session: string): Promise<readonly Hole[] | null> {
  return json(`sessions/${session}/holes`);
}

export async function lap(
  session: string,
  driver: string,
  lapNumber: number,
  channels: readonly string[],
): Promise<Columns | null> {
  const path = `sessions/${session}/drivers/${driver}/laps/${lapNumber}/telemetry`;
  return columns(`${path}?channels=${channels.join(",")}`);
}

/** Fetch channels over a time range by the driver's clock; no end means up to the newest. */
export async function range(
  session: string,
  driver: string,
  fromMs: number,
  toMs: number | null,
  channels: readonly string[],
): Promise<Columns | null> {
  const from = nanoseconds(fromMs);
  const to = toMs === null ? FOREVER_NS : nanoseconds(toMs);
  const path = `sessions/${session}/drivers/${driver}/telemetry`;
  return columns(`${path}?from_ns=${from}&to_ns=${to}&channels=${channels.join(",")}`);
}

function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms)) * 1_000_000n;
}

async function json<Answer>(path: string): Promise<Answer | null> {
  const response = await asked(path, "application/json");
  return response ? ((await response.json()) as Answer) : null;
}

async function columns(path: string): Promise<Columns | null> {
  const response = await asked(`${path}&format=msgpack`, "application/vnd.msgpack");
  if (!response) return null;
  const packed = decode(await response.arrayBuffer()) as PackedTraces;
  return {
    channels: packed.channels,
    times: new Float64Array(packed.times.slice().buffer),
    columns: packed.columns.map((bytes) => new Float32Array(bytes.slice().buffer)),
  };
}

async function asked(path: string, accept: string): Promise<Response | null> {
  const response = await request(path, { headers: { accept } });
  return response?.ok ? response : null;
}
