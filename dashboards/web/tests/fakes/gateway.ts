/** A gateway's REST, played by a function that takes the place of fetch. */

import { settled } from "./timers";

export interface Call {
  readonly path: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: unknown;
}

type Answer = Response | null | ((call: Call) => Response | null);

export class FakeGateway {
  readonly calls: Call[] = [];
  private readonly answers = new Map<string, Answer>();

  /** Answer requests whose path begins with `path`; null is no answer. The longest path wins. */
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
    await settled();
    const paths = [...this.answers.keys()].filter((path) => call.path.startsWith(path));
    const longest = paths.sort((a, b) => b.length - a.length)[0];
    const answer = longest === undefined ? json({}, 404) : this.answers.get(longest);
    const response = typeof answer === "function" ? answer(call) : answer;
    if (!response) throw new TypeError("fetch failed");
    return response.clone();
  };
}

export function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status });
}

/** Return the answer to a login. */
export function loggedIn(token = "token-1", expires_s = 600): Response {
  const me = { name: "ann", role: "engineer", driver: null, has_password: true };
  return json({ access_token: token, expires_s, me });
}
