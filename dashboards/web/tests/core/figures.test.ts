import { expect, test } from "vitest";
import { brief, duration, fixed, gearName, lapTime, ordinal, signed } from "../../src/core/figures";

test("numbers carry a true minus, a difference its sign, and the unknown is a dash", () => {
  expect(fixed(-1.25, 1)).toBe("−1.3");
  expect(fixed(-0.001, 2)).toBe("0.00");
  expect(signed(0.2, 2)).toBe("+0.20");
  expect(signed(NaN, 2)).toBe("–");
  expect(fixed(null, 1)).toBe("–");
});

test("laps and durations read as people write them", () => {
  expect(lapTime(107.216)).toBe("1:47.22");
  expect(lapTime(119.999)).toBe("2:00.00");
  expect(lapTime(59.9999, 3)).toBe("1:00.000");
  expect(duration(42_900)).toBe("0:42");
  expect(duration(3_931_000)).toBe("1:05:31");
  expect(brief(34_000)).toBe("34 s");
  expect([gearName(-1), gearName(0), gearName(3), ordinal(12)]).toEqual(["R", "N", "3rd", "12th"]);
});
