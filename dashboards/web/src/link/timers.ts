/** The page's clock and timers, an argument of everything that waits: tests control time. */

export interface Timers {
  /** Return monotonic ms. */
  now(): number;
  /** Run something once, after `ms`. */
  after(ms: number, run: () => void): void;
  /** Run something every `ms`; return a function that ends it. */
  every(ms: number, run: () => void): () => void;
}

export function browserTimers(): Timers {
  return {
    now: () => performance.now(),
    after: (ms, run) => void setTimeout(run, ms),
    every: (ms, run) => {
      const timer = setInterval(run, ms);
      return () => clearInterval(timer);
    },
  };
}
