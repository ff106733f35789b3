/** Timers whose time passes only when a test says so. */

import type { Timers } from "../../src/link/timers";

interface Due {
  at: number;
  readonly every: number | null;
  readonly run: () => void;
}

export class FakeTimers implements Timers {
  private time = 0;
  private due: Due[] = [];

  readonly now = () => this.time;

  after(ms: number, run: () => void): void {
    this.due.push({ at: this.time + ms, every: null, run });
  }

  every(ms: number, run: () => void): () => void {
    const due = { at: this.time + ms, every: ms, run };
    this.due.push(due);
    return () => this.remove(due);
  }

  /** Let `ms` pass, and everything that became due settle. */
  async pass(ms: number): Promise<void> {
    const until = this.time + ms;
    for (;;) {
      await settled();
      const next = this.due.filter((due) => due.at <= until).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.time = next.at;
      if (next.every === null) this.remove(next);
      else next.at += next.every;
      next.run();
    }
    this.time = until;
  }

  private remove(due: Due): void {
    this.due = this.due.filter((other) => other !== due);
  }
}

/** Let every promise that is ready run: a new task begins only when none is left. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
