/** One driver of the session: samples in rings, facts in signals. */

import { computed, signal } from "@preact/signals";
import { Instants } from "../core/cars";
import type { Axis, DrivenLap } from "../core/lap/driven-lap";
import { fuelPerLap, referenceLap } from "../core/lap/laps";
import type { Reference } from "../core/lap/reference";
import { FAST, SLOW } from "../core/samples/channels";
import { healed, type Healing } from "../core/samples/healing";
import {
  arrived,
  missingChunks,
  missingMs,
  NOTHING,
  stored,
  type Coverage,
  type Hole,
  type Span,
} from "../core/samples/holes";
import { Ring } from "../core/samples/ring";
import type {
  Debrief,
  Entry,
  Frames,
  Hole as StoredHole,
  Lap,
  Moment,
  Passes,
  Presence,
  Session,
  Silence,
  Track,
} from "../wire";

/** Ten minutes at 60 Hz: the longest lap there is. */
const LONG = 36_000;
/** About a minute: enough for the map and for gaps. */
const SHORT = 4096;
const SLOW_FRAMES = 1024;
const UNKNOWN_LAP_S = 120;

export class Driver {
  fast = new Ring(FAST, SHORT);
  readonly slow = new Ring(SLOW, SLOW_FRAMES);
  /** Page's monotonic ms of the newest live chunk. */
  sampledAt = -Infinity;
  readonly session = signal<Session | null>(null);
  readonly laps = signal<readonly Lap[]>([]);
  readonly track = signal<Track | null>(null);
  /** How the corners of the latest laps were driven. */
  readonly passes = signal<readonly Passes[]>([]);
  readonly moments = signal<readonly Moment[]>([]);
  readonly silences = signal<readonly Silence[]>([]);
  readonly debriefs = signal<readonly Debrief[]>([]);
  /** The cars of the race around this one, as its sim showed them. */
  readonly cars = new Instants();
  /** Who drives them; null until it was asked for. */
  readonly entries = signal<readonly Entry[] | null>(null);
  /** Stored chunks that the laps still lack, after an update of the hub. */
  readonly chunksBehind = signal(0);
  /** When retention removed the telemetry, by the hub's clock; null for never. */
  readonly removedMs = signal<number | null>(null);
  readonly presence = signal<Presence | null>(null);
  readonly coverage = signal<Coverage>(NOTHING);
  readonly healing = signal<Healing | null>(null);
  readonly reference = signal<Reference | null>(null);
  readonly fuelPerLap = computed(() => fuelPerLap(this.laps.value));
  readonly referenceLap = computed(() => referenceLap(this.laps.value));
  /** The start number, or the driver's name where the sim gives none. */
  readonly carName = computed(() => {
    const car = this.session.value?.car;
    return car ? `#${car}` : this.name;
  });
  private estimatedOffset = NaN;

  constructor(readonly name: string) {}

  /** Hub clock minus driver clock in ms; estimated from arrivals until it is measured. */
  get offsetMs(): number {
    const measured = this.presence.peek()?.offset_ms;
    return measured ?? (Number.isFinite(this.estimatedOffset) ? this.estimatedOffset : 0);
  }

  get offsetKnown(): boolean {
    return this.presence.peek()?.offset_ms != null;
  }

  /** Take frames; return the delay of the newest one in ms, NaN for frames of the past. */
  take(frames: Frames, hubNow: number, pageNow: number): number {
    const times = new Float64Array(frames.times.slice().buffer);
    const rows = new Float32Array(frames.rows.slice().buffer);
    if (!times.length) return NaN;
    this.fast.addRows(times, frames.channels, rows);
    if (!frames.late) this.slow.addRows(times, frames.channels, rows);
    const [from, to] = [times[0], times[times.length - 1]];
    const piece = { run: frames.run, chunk: frames.chunk, from, to };
    this.coverage.value = arrived(this.coverage.peek(), piece);
    if (frames.late) return NaN;
    this.sampledAt = pageNow;
    const apart = hubNow - to;
    if (!(apart >= this.estimatedOffset)) this.estimatedOffset = apart;
    return apart - this.offsetMs;
  }

  /** Keep a whole lap of samples from now on. */
  lengthen(): void {
    if (this.fast.capacity === LONG) return;
    const short = this.fast;
    this.fast = new Ring(FAST, LONG);
    const held = (column: Float32Array) => column.subarray(short.start, short.end);
    this.fast.addColumns(
      short.times.subarray(short.start, short.end),
      FAST,
      short.columns.map(held),
    );
  }

  /** Return a lap's axis: distance where the car and the track's length give it, else time. */
  axis(lap: DrivenLap | null): Axis {
    const length = this.session.peek()?.track_length_m ?? this.reference.peek()?.axis.length;
    const distance = this.fast.length ? this.fast.column("lap_distance")[this.fast.end - 1] : NaN;
    if (length && (Number.isFinite(distance) || !this.fast.length))
      return { kind: "distance", length };
    const longest = Math.max(UNKNOWN_LAP_S, this.referenceLap.peek()?.lap_time_s ?? 0);
    const driven = lap?.axis.kind === "time" ? lap.grid.position : 0;
    return { kind: "time", length: driven > longest ? 2 * Math.max(longest, driven) : longest };
  }

  /** Take the holes that Postgres has; return whether it filled one that was open here. */
  takeStored(span: Span | null, holes: readonly StoredHole[]): boolean {
    const before = this.coverage.peek();
    const presence = this.presence.peek();
    const decided = (hole: Hole) =>
      presence === null || hole.run < presence.run || hole.last <= presence.through;
    this.coverage.value = stored(before, span, holes, decided);
    return this.coverage.peek().late !== before.late;
  }

  /** Bring the notice about holes up to date. */
  heal(pageNow: number): void {
    const coverage = this.coverage.peek();
    const now = { missingMs: missingMs(coverage), chunks: missingChunks(coverage), at: pageNow };
    this.healing.value = healed(this.healing.peek(), now);
  }
}
