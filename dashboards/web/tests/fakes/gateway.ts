/** A gateway's REST, played by a function that takes the place of fetch. */

import { encode } from "@msgpack/msgpack";

export interface Call {
  readonly path: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: unknown;
}

type Answer = Response | null | ((call: Call) => Response | Promise<Response>);

export class FakeGateway {
  readonly calls: Call[] = [];
  private readonly answers = new Map<string, Answer>();

  /** Answer requests for a path, without its query; null is no answer. Other paths are 404. */
  on(path: string, answer: Answer): this {
    this.answers.set(path, answer);
    return this;
  }

  /** Return the paths that were requested, without their queries. */
  get paths(): string[] {
    return this.calls.map((call) => call.path.split("?")[0]);
  }

  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const call: Call = {
      path: String(input).replace("api/v1/", ""),
      method: init?.method ?? "GET",
      headers: new Headers(init?.headers),
      body: init?.body ? JSON.parse(String(init.body)) : null,
    };
    this.calls.push(call);
    const answer = this.answers.get(call.path.split("?")[0]);
    const response = typeof answer === "function" ? await answer(call) : answer;
    if (response === undefined) return json({}, 404);
    if (!response) throw new TypeError("fetch failed");
    return response;
  };
}

/** Return an answer whose body is read without a stream, so in microtasks only. */
export function json(body: unknown, status = 200, link = ""): Response {
  const headers = new Headers(link ? { link } : {});
  const answer = { ok: status < 400, status, headers, json: async () => structuredClone(body) };
  return answer as unknown as Response;
}

/** Return an answer with the samples of channels over time (ms by the driver's clock). */
export function telemetry(
  times: readonly number[],
  channels: Readonly<Record<string, readonly number[]>>,
): Response {
  const columns = Object.values(channels).map((values) => Float32Array.from(values));
  const body = encode({
    session: "evening",
    driver: "MOR",
    lap: null,
    channels: Object.keys(channels),
    units: [],
    times: new Uint8Array(Float64Array.from(times).buffer),
    columns: columns.map((column) => new Uint8Array(column.buffer)),
    holes: [],
  });
  const answer = { ok: true, status: 200, arrayBuffer: async () => body.slice().buffer };
  return answer as unknown as Response;
}

/** Return the answer to a login. */
export function loggedIn(token = "token-1", expires_s = 600): Response {
  const me = { name: "ann", role: "engineer", driver: null, has_password: true };
  return json({ access_token: token, expires_s, me });
}
