/** A driver's coverage: the recorded span, its holes, and late parts. Times in ms. */

import type { Hole as StoredHole, Presence } from "../../wire";

/** Missing chunks `first..last` of a run, and the time they span. */
export interface Hole {
  readonly run: number;
  readonly first: number;
  readonly last: number;
  readonly from: number;
  readonly to: number;
  readonly gone: boolean;
}

export type Span = readonly [from: number, to: number];

export interface Coverage {
  /** From the first to the last known sample. */
  readonly span: Span | null;
  readonly holes: readonly Hole[];
  readonly late: readonly Span[];
  /** The newest live chunk: a next one that is not its neighbour opens a hole. */
  readonly newest: { readonly run: number; readonly chunk: number; readonly to: number } | null;
}

export interface Piece {
  readonly run: number;
  readonly chunk: number;
  readonly from: number;
  readonly to: number;
}

export const NOTHING: Coverage = { span: null, holes: [], late: [], newest: null };
const MAX_HOLES = 500;
const JOIN_MS = 1000;

/** Take a chunk that arrived: it extends the span, opens a hole, or fills one. */
export function arrived(known: Coverage, piece: Piece): Coverage {
  const span = widened(known.span, [piece.from, piece.to]);
  const last = known.newest;
  if (!last || piece.run > last.run) return { ...known, span, newest: piece };
  if (piece.run === last.run && piece.chunk > last.chunk) {
    const torn = piece.chunk > last.chunk + 1;
    const hole = { run: piece.run, first: last.chunk + 1, last: piece.chunk - 1 };
    const opened = { ...hole, from: last.to, to: piece.from, gone: false };
    const holes = torn ? [...known.holes, opened].slice(-MAX_HOLES) : known.holes;
    return { ...known, span, newest: piece, holes };
  }
  const { holes, filled } = without(known.holes, piece);
  return {
    ...known,
    span,
    holes,
    late: filled ? joined(known.late, [piece.from, piece.to]) : known.late,
  };
}

/** Forget the newest chunk: the page was not connected, so the next jump of numbers is no hole. */
export function afterSilence(known: Coverage): Coverage {
  return { ...known, newest: null };
}

/**
 * Take the holes that Postgres has, for it knows more of the past than this page received.
 *
 * A hole of this page that Postgres does not list counts as filled only once `decided` says that
 * Postgres has processed its chunks. A hole that this page saw filled is not opened again, because
 * Postgres may store its chunks a moment later.
 */
export function stored(
  known: Coverage,
  span: Span | null,
  holes: readonly StoredHole[],
  decided: (hole: Hole) => boolean = () => true,
): Coverage {
  const found = holes
    .filter((hole) => hole.from_ns !== null)
    .map(fromStored)
    .filter((hole) => hole.gone || !known.late.some((late) => within(hole, late)));
  const unlisted = known.holes.filter(
    (hole) => !hole.gone && !found.some((other) => meet(hole, other)),
  );
  const filled = unlisted.filter(decided);
  const late = filled.reduce<readonly Span[]>(
    (all, hole) => joined(all, [hole.from, hole.to]),
    known.late,
  );
  const open = unlisted.filter((hole) => !filled.includes(hole));
  return {
    ...known,
    span: span ? widened(known.span, span) : known.span,
    holes: [...found, ...open].sort((a, b) => a.from - b.from).slice(-MAX_HOLES),
    late,
  };
}

function fromStored(hole: StoredHole): Hole {
  const from = (hole.from_ns ?? 0) / 1e6;
  const to = hole.to_ns === null ? from : hole.to_ns / 1e6;
  return {
    run: hole.run,
    first: hole.first_chunk,
    last: hole.last_chunk,
    from,
    to,
    gone: hole.gone,
  };
}

function within(hole: Hole, [from, to]: Span): boolean {
  return from - JOIN_MS <= hole.from && hole.to <= to + JOIN_MS;
}

/** Return whether a presence lists other holes than the known ones. */
export function differs(known: Coverage, presence: Presence): boolean {
  const own = known.holes.filter((hole) => hole.run === presence.run);
  const open = own.filter((hole) => !hole.gone);
  const ranges = [...presence.missing, ...presence.gone, ...presence.refused];
  return (
    ranges.some(([first, last]) => !own.some((hole) => hole.first <= last && first <= hole.last)) ||
    (open.length > 0 && presence.missing.length === 0) ||
    (presence.gone.length + presence.refused.length > 0 && !own.some((hole) => hole.gone))
  );
}

/** Count the missing chunks that may still arrive. */
export function missingChunks(known: Coverage): number {
  return known.holes.reduce((sum, hole) => sum + (hole.gone ? 0 : hole.last - hole.first + 1), 0);
}

/** Sum up the missing ms that may still arrive. */
export function missingMs(known: Coverage): number {
  return known.holes.reduce((sum, hole) => sum + (hole.gone ? 0 : hole.to - hole.from), 0);
}

/** Sum up the ms that are lost for good. */
export function goneMs(known: Coverage): number {
  return known.holes.reduce((sum, hole) => sum + (hole.gone ? hole.to - hole.from : 0), 0);
}

function without(
  holes: readonly Hole[],
  piece: Piece,
): { holes: readonly Hole[]; filled: boolean } {
  const at = holes.findIndex(
    (hole) => hole.run === piece.run && hole.first <= piece.chunk && piece.chunk <= hole.last,
  );
  if (at < 0) return { holes, filled: false };
  const hole = holes[at];
  const parts: Hole[] = [];
  if (hole.first < piece.chunk) parts.push({ ...hole, last: piece.chunk - 1, to: piece.from });
  if (piece.chunk < hole.last) parts.push({ ...hole, first: piece.chunk + 1, from: piece.to });
  return { holes: holes.toSpliced(at, 1, ...parts), filled: true };
}

function meet(one: Hole, other: Hole): boolean {
  return one.run === other.run && one.first <= other.last && other.first <= one.last;
}

function widened(span: Span | null, more: Span): Span {
  return span ? [Math.min(span[0], more[0]), Math.max(span[1], more[1])] : more;
}

/** Add a span to ascending ones, joining those that (nearly) touch. */
export function joined(spans: readonly Span[], more: Span): readonly Span[] {
  const apart = spans.filter(([from, to]) => to < more[0] - JOIN_MS || more[1] + JOIN_MS < from);
  const near = spans.filter((span) => !apart.includes(span));
  const whole = near.reduce((all, span) => widened(all, span), more);
  return [...apart, whole].sort((a, b) => a[0] - b[0]).slice(-MAX_HOLES);
}
