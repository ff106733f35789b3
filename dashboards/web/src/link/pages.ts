/** Lists of the gateway, page by page: a Link header names the next page (RFC 8288). */

export type Request = (path: string, init?: RequestInit) => Promise<Response | null>;

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** The path of the next page, null on the last one. */
  readonly next: string | null;
}

const NEXT = /<[^>?]*\?([^>]*)>; rel="next"/;

/** Fetch one page of a list; null without an answer. */
export async function pageOf<Row>(request: Request, path: string): Promise<Page<Row> | null> {
  const response = await request(path, { headers: { accept: "application/json" } });
  if (!response?.ok) return null;
  const query = NEXT.exec(response.headers.get("link") ?? "")?.[1];
  const rows = (await response.json()) as Row[];
  return { rows, next: query === undefined ? null : `${path.split("?")[0]}?${query}` };
}

/** Fetch all pages of a list; null when one of them has no answer. */
export async function everyRow<Row>(request: Request, path: string): Promise<Row[] | null> {
  const rows: Row[] = [];
  for (let next: string | null = path; next !== null;) {
    const page: Page<Row> | null = await pageOf<Row>(request, next);
    if (!page) return null;
    rows.push(...page.rows);
    next = page.next;
  }
  return rows;
}
