/** The columns of the traces, from the current lap and the reference: pure. */

import { TRACED } from "../samples/channels";
import { blank, POINTS, type LapGrid, type Points } from "./lap-grid";

export interface Column {
  readonly key: string;
  readonly row: string;
  readonly reference: boolean;
}

const pair = (key: string): Column[] => [
  { key: `ref-${key}`, row: key, reference: true },
  { key, row: key, reference: false },
];

export const COLUMNS: readonly Column[] = [
  ...pair("speed"),
  { key: "difference", row: "difference", reference: false },
  { key: "delta", row: "delta", reference: false },
  { key: "ref-throttle", row: "pedals", reference: true },
  { key: "ref-brake", row: "pedals", reference: true },
  { key: "throttle", row: "pedals", reference: false },
  { key: "brake", row: "pedals", reference: false },
  ...pair("steering"),
  ...pair("gear"),
  ...pair("rpm"),
];

/** The channel of each row, with the factor to the unit on screen. */
const SOURCES: readonly { key: string; channel: (typeof TRACED)[number]; factor: number }[] = [
  { key: "speed", channel: "speed", factor: 3.6 },
  { key: "throttle", channel: "throttle", factor: 1 },
  { key: "brake", channel: "brake", factor: -1 },
  { key: "steering", channel: "steering_angle", factor: 180 / Math.PI },
  { key: "gear", channel: "gear", factor: 1 },
  { key: "rpm", channel: "engine_rpm", factor: 1 },
];
/** Rows whose reference is shown only ahead of the car. */
const ONLY_AHEAD: ReadonlySet<string> = new Set(["throttle", "brake"]);

/** Rows whose scale begins anew with every lap: one bad lap must not flatten the next. */
const COMPARED = ["difference", "delta"];

export class TraceColumns {
  readonly x: number[] = new Array<number>(POINTS).fill(0);
  readonly of: Readonly<Record<string, Points>> = Object.fromEntries(
    COLUMNS.map((column) => [column.key, blank()]),
  );
  /** Least and most of each row so far. */
  readonly reach = new Map<string, readonly [number, number]>();
  private ours: LapGrid | null = null;
  private reference: LapGrid | null = null;
  private head = -1;

  /** Take the points since the last update; all of them when the lap or the reference changed. */
  update(ours: LapGrid, reference: LapGrid | null): void {
    const anew = ours !== this.ours || reference !== this.reference;
    const from = anew ? 0 : Math.max(0, Math.min(this.head, ours.head));
    const to = anew ? POINTS - 1 : Math.max(this.head, ours.head);
    if (reference !== this.reference) this.reach.clear();
    if (anew) for (const row of COMPARED) this.reach.delete(row);
    this.ours = ours;
    this.reference = reference;
    this.head = ours.head;
    for (let i = from; i <= to; i++) this.point(i, ours, reference);
  }

  private point(i: number, ours: LapGrid, reference: LapGrid | null): void {
    this.x[i] = i * ours.step;
    for (const { key, channel, factor } of SOURCES) {
      const column = TRACED.indexOf(channel);
      const hidden = ONLY_AHEAD.has(key) && i <= ours.head;
      this.set(key, i, times(ours.columns[column][i], factor));
      this.set(
        `ref-${key}`,
        i,
        hidden ? null : times(reference?.columns[column][i] ?? null, factor),
      );
    }
    const speed = TRACED.indexOf("speed");
    const difference = less(ours.columns[speed][i], reference?.columns[speed][i] ?? null);
    this.set("difference", i, times(difference, 3.6));
    this.set("delta", i, less(ours.elapsed[i], reference?.elapsed[i] ?? null));
  }

  private set(key: string, i: number, value: number | null): void {
    this.of[key][i] = value;
    if (value === null) return;
    const row = key.replace("ref-", "");
    const [least, most] = this.reach.get(row) ?? [value, value];
    if (value < least || value > most || !this.reach.has(row)) {
      this.reach.set(row, [Math.min(least, value), Math.max(most, value)]);
    }
  }
}

function times(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor;
}

function less(value: number | null, other: number | null): number | null {
  return value === null || other === null ? null : value - other;
}
