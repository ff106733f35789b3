import { expect, test } from "vitest";
import { wholeSession } from "../../src/core/session";
import { Driver } from "../../src/store/driver";
import { Driving } from "../../src/store/driving";
import { frames, presence, session } from "../fakes/messages";

test("the clock's offset is estimated from the fastest chunk until it is measured", () => {
  const driver = new Driver("MOR");
  driver.take(frames(1, [1000]), 5300, 0);
  expect(driver.take(frames(2, [2000]), 6100, 0)).toBe(0);
  expect(driver.take(frames(3, [3000]), 7400, 0)).toBe(300);
  expect(driver.offsetMs).toBe(4100);
  expect(driver.offsetKnown).toBe(false);
  driver.presence.value = presence({ offset_ms: 4000 });
  expect(driver.offsetMs).toBe(4000);
  expect(driver.take(frames(4, [4000]), 8250, 0)).toBe(250);
});

test("late frames say nothing about the delay, and do not count as live", () => {
  const driver = new Driver("MOR");
  expect(driver.take(frames(1, [1000], {}, { late: true }), 90_000, 77)).toBeNaN();
  expect(driver.sampledAt).toBe(-Infinity);
  driver.take(frames(2, [2000]), 90_000, 78);
  expect(driver.sampledAt).toBe(78);
});

test("late frames reach the traces, and no number that is held for some seconds only", () => {
  const driver = new Driver("MOR");
  driver.take(frames(1, [1000], { speed: 60, fuel_level: 40 }, { late: true }), 90_000, 0);
  expect(driver.fast.at("speed", 1000)).toBe(60);
  expect(driver.slow.length).toBe(0);
});

test("a longer ring keeps the samples of the short one", () => {
  const driver = new Driver("MOR");
  driver.take(frames(1, [1000, 1016], { speed: 60 }), 1100, 0);
  driver.lengthen();
  driver.take(frames(2, [1033], { speed: 70 }), 1133, 0);
  expect(driver.fast.length).toBe(3);
  expect(driver.fast.at("speed", 1016)).toBe(60);
});

test("a lap is laid out by distance only where the track's length and the distance are known", () => {
  const driver = new Driver("MOR");
  expect(driver.axis(null)).toEqual({ kind: "time", length: 120 });
  driver.session.value = wholeSession(session({ track_length_m: 5000 }));
  driver.take(frames(1, [1000], { lap_distance: 250 }), 1100, 0);
  expect(driver.axis(null)).toEqual({ kind: "distance", length: 5000 });
  driver.take(frames(2, [1016], { speed: 60 }), 1116, 0);
  expect(driver.axis(null).kind).toBe("time");
});

test("a hole that Postgres has filled is reported, one that it has not decided stays", () => {
  const driver = new Driver("MOR");
  driver.take(frames(1, [1000]), 1100, 0);
  driver.take(frames(5, [5000]), 5100, 0);
  driver.presence.value = presence({ through: 3 });
  expect(driver.takeStored(null, [])).toBe(false);
  expect(driver.coverage.value.holes).toHaveLength(1);
  driver.presence.value = presence({ through: 4 });
  expect(driver.takeStored(null, [])).toBe(true);
  expect(driver.coverage.value.holes).toEqual([]);
});

test("a car stands once it has not moved for ten seconds, and since it stopped", () => {
  const driver = new Driver("MOR");
  driver.presence.value = presence({ offset_ms: 0 });
  const driving = new Driving(driver);
  driver.take(frames(1, [0], { speed: 30 }), 0, 0);
  driving.advance(0);
  for (let t = 1000; t <= 12_000; t += 1000) {
    driver.take(frames(1 + t / 1000, [t], { speed: 0 }), t, 0);
    driving.advance(t);
    expect(driving.standing).toBe(t > 11_000 ? 1000 : null);
  }
  driver.take(frames(14, [13_000], { speed: 5 }), 13_000, 0);
  driving.advance(13_000);
  expect(driving.standing).toBeNull();
});

test("the lap so far is gathered again when the driver's ring is another one", () => {
  const driver = new Driver("MOR");
  driver.presence.value = presence({ offset_ms: 0 });
  driver.session.value = wholeSession(session({ track_length_m: 5000 }));
  const at = (t: number) => ({
    speed: 60,
    lap_number: 1,
    lap_distance: t / 10,
    lap_time: t / 1000,
  });
  for (let i = 0; i < 10; i++) driver.take(frames(i, [100 * i], at(100 * i)), 100 * i, 0);
  const driving = new Driving(driver);
  driving.advance(900);
  const before = driving.lap;
  expect(before?.grid.position).toBeCloseTo(90);
  driver.lengthen();
  driving.advance(900);
  expect(driving.lap).not.toBe(before);
  expect(driving.lap?.grid.position).toBeCloseTo(90);
});
