import { expect, test } from "vitest";
import {
  Arrivals,
  MAX_DELAY_MS,
  advanced,
  eased,
  liveClock,
  pausedClock,
} from "../../src/core/clock";

test("live is replay at now minus the delay", () => {
  const clock = { ...liveClock(0), delay: 180 };
  expect(advanced(clock, 10_000, 16).t).toBe(9820);
});

test("a paused clock stands, one at double rate runs twice as fast", () => {
  expect(advanced(pausedClock(500), 10_000, 16).t).toBe(500);
  expect(advanced({ ...liveClock(500), mode: "replay", rate: 2 }, 10_000, 16).t).toBe(532);
});

test("the delay follows late arrivals slowly, up to its limit, and time never runs back", () => {
  let clock = advanced(liveClock(0), 1000, 0);
  for (let now = 1016; now < 20_000; now += 16) {
    const next = advanced(eased(clock, 5000, 16), now, 16);
    expect(next.t).toBeGreaterThan(clock.t);
    clock = next;
  }
  expect(clock.delay).toBe(MAX_DELAY_MS);
});

test("one late chunk is remembered for ten seconds at least, and then forgotten", () => {
  const arrivals = new Arrivals();
  arrivals.add(10, 20_000);
  arrivals.add(300, 21_000);
  arrivals.add(20, 31_500);
  expect(arrivals.worst).toBe(300);
  arrivals.add(20, 42_000);
  expect(arrivals.worst).toBe(20);
});
