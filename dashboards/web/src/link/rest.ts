/** The gateway's REST: sessions, telemetry of laps, and holes; null without an answer. */

import { decode } from "@msgpack/msgpack";
import type { Columns } from "../core/lap/reference";
import type { CarsAt, Hole, PackedTraces, SessionSummary } from "../wire";
import { everyRow, pageOf, type Page, type Request } from "./pages";

const FOREVER_NS = 2n ** 63n - 1n;

export class Rest {
  constructor(private readonly request: Request) {}

  /** Fetch a page of the sessions, by its path. */
  sessions(path = "sessions"): Promise<Page<SessionSummary> | null> {
    return pageOf(this.request, path);
  }

  session(name: string): Promise<SessionSummary | null> {
    return this.json(`sessions/${name}`);
  }

  holes(session: string): Promise<readonly Hole[] | null> {
    return everyRow(this.request, `sessions/${session}/holes?limit=500`);
  }

  lap(
    session: string,
    driver: string,
    lapNumber: number,
    channels: readonly string[],
  ): Promise<Columns | null> {
    const path = `sessions/${session}/drivers/${driver}/laps/${lapNumber}/telemetry`;
    return this.columns(`${path}?channels=${channels.join(",")}`);
  }

  /** Fetch channels over a time range by the driver's clock; no end means up to the newest. */
  range(
    session: string,
    driver: string,
    fromMs: number,
    toMs: number | null,
    channels: readonly string[],
  ): Promise<Columns | null> {
    const from = nanoseconds(fromMs);
    const to = toMs === null ? FOREVER_NS : nanoseconds(toMs);
    const path = `sessions/${session}/drivers/${driver}/telemetry`;
    return this.columns(`${path}?from_ns=${from}&to_ns=${to}&channels=${channels.join(",")}`);
  }

  /** Fetch the race at an instant of the driver's clock. */
  cars(session: string, driver: string, atMs: number): Promise<CarsAt | null> {
    return this.json(`sessions/${session}/drivers/${driver}/cars?at_ns=${nanoseconds(atMs)}`);
  }

  private async json<Answer>(path: string): Promise<Answer | null> {
    const response = await this.get(path, "application/json");
    return response ? ((await response.json()) as Answer) : null;
  }

  private async columns(path: string): Promise<Columns | null> {
    const response = await this.get(`${path}&format=msgpack`, "application/vnd.msgpack");
    if (!response) return null;
    const packed = decode(await response.arrayBuffer()) as PackedTraces;
    return {
      channels: packed.channels,
      times: new Float64Array(packed.times.slice().buffer),
      columns: packed.columns.map((bytes) => new Float32Array(bytes.slice().buffer)),
    };
  }

  private async get(path: string, accept: string): Promise<Response | null> {
    const { request } = this;
    const response = await request(path, { headers: { accept } });
    return response?.ok ? response : null;
  }
}

function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms)) * 1_000_000n;
}
