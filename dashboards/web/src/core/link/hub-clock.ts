/** The hub's clock, estimated from the ping with the shortest round trip. */

interface Sample {
  readonly roundTrip: number;
  readonly offset: number;
}

const KEPT = 8;

export class HubClock {
  private samples: Sample[] = [];

  /** Take the answer to a ping; `sent` and `received` are the page's monotonic ms. */
  add(sent: number, received: number, hubMs: number): void {
    const sample = { roundTrip: received - sent, offset: hubMs - (sent + received) / 2 };
    this.samples = [...this.samples, sample].slice(-KEPT);
  }

  get known(): boolean {
    return this.samples.length > 0;
  }

  /** Return the hub's ms since 1970 at a monotonic ms of the page; NaN while unknown. */
  at(pageMs: number): number {
    if (!this.known) return NaN;
    const best = this.samples.reduce((a, b) => (b.roundTrip < a.roundTrip ? b : a));
    return pageMs + best.offset;
  }

  forget(): void {
    this.samples = [];
  }
}
