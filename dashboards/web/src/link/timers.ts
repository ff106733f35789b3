/** Time as this page measures it; an argument of whatever waits, so that a test decides when it passes. */

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
