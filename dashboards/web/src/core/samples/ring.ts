/** Samples of some channels over time, the newest `capacity` of them, in ascending order. */

export const GAP_MS = 250;

/**
 * Columns have double length, so that appending moves samples only once in `capacity` times and the
 * held samples always lie together, from `start` to `end`.
 */
export class Ring {
  times: Float64Array;
  columns: Float32Array[];
  start = 0;
  end = 0;
  /** Grows when samples are inserted before others: drawings of the ring are then outdated. */
  revision = 0;

  constructor(
    readonly channels: readonly string[],
    readonly capacity: number,
  ) {
    this.times = new Float64Array(2 * capacity);
    this.columns = channels.map(() => new Float32Array(2 * capacity));
  }

  get length(): number {
    return this.end - this.start;
  }

  get firstTime(): number {
    return this.length ? this.times[this.start] : NaN;
  }

  get lastTime(): number {
    return this.length ? this.times[this.end - 1] : NaN;
  }

  column(channel: string): Float32Array {
    return this.columns[this.channels.indexOf(channel)];
  }

  /** Add frames by rows, `rows[frame * given.length + channel]`; a missing channel is NaN. */
  addRows(times: Float64Array, given: readonly string[], rows: Float32Array): void {
    const width = given.length;
    const places = this.channels.map((channel) => given.indexOf(channel));
    this.add(times, (c, i) => (places[c] < 0 ? NaN : rows[i * width + places[c]]));
  }

  /** Add frames by columns. */
  addColumns(
    times: Float64Array,
    given: readonly string[],
    columns: readonly Float32Array[],
  ): void {
    const places = this.channels.map((channel) => given.indexOf(channel));
    this.add(times, (c, i) => (places[c] < 0 ? NaN : columns[places[c]][i]));
  }

  /** Return the place of the last sample at or before `t`, `start - 1` when there is none. */
  search(t: number): number {
    let low = this.start;
    let high = this.end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[middle] <= t) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Return a channel's value at `t`: between two samples, held over a gap, never beyond. */
  at(channel: string, t: number): number {
    const place = this.search(t);
    const column = this.column(channel);
    if (place < this.start || !column) return NaN;
    const next = place + 1;
    const span = this.times[next] - this.times[place];
    if (next >= this.end || span > GAP_MS) return column[place];
    const share = (t - this.times[place]) / span;
    return column[place] + (column[next] - column[place]) * share;
  }

  /** Return a channel's value of the last sample at or before `t`: for channels with steps. */
  step(channel: string, t: number): number {
    const place = this.search(t);
    return place < this.start ? NaN : (this.column(channel)?.[place] ?? NaN);
  }

  private add(times: Float64Array, value: (column: number, frame: number) => number): void {
    let frame = 0;
    while (frame < times.length) {
      const place = this.search(times[frame]) + 1;
      if (place > this.start && this.times[place - 1] === times[frame]) {
        frame += 1; // the same sample, received live and over REST
        continue;
      }
      const limit = place < this.end ? this.times[place] : Infinity;
      let until = frame + 1;
      while (until < times.length && times[until] < limit) until += 1;
      this.put(place, times, frame, until, value);
      frame = until;
    }
  }

  private put(
    at: number,
    times: Float64Array,
    from: number,
    to: number,
    value: (column: number, frame: number) => number,
  ): void {
    const first = Math.max(from, to - this.capacity);
    const count = to - first;
    let place = at;
    if (this.end + count > 2 * this.capacity) place -= this.compact(count);
    if (place < this.start) return; // older than every sample that fits
    if (place < this.end) {
      this.times.copyWithin(place + count, place, this.end);
      for (const column of this.columns) column.copyWithin(place + count, place, this.end);
      this.revision += 1;
    }
    for (let i = 0; i < count; i++) {
      this.times[place + i] = times[first + i];
      for (let c = 0; c < this.columns.length; c++)
        this.columns[c][place + i] = value(c, first + i);
    }
    this.end += count;
    this.start = Math.max(this.start, this.end - this.capacity);
  }

  /** Move the kept samples to the beginning, with room for `count` more; return the shift. */
  private compact(count: number): number {
    const keep = Math.min(this.length, this.capacity - Math.min(count, this.capacity));
    const shift = this.end - keep;
    this.times.copyWithin(0, shift, this.end);
    for (const column of this.columns) column.copyWithin(0, shift, this.end);
    this.start = 0;
    this.end = keep;
    return shift;
  }
}
