import { expect, test } from "vitest";
import { reference } from "../../src/core/lap/reference";
import { wholeSession } from "../../src/core/session";
import { Driver } from "../../src/store/driver";
import { Driving } from "../../src/store/driving";
import { linkNow, readingOf, tracedAt, type Server } from "../../src/store/reading";
import { frames, presence, session } from "../fakes/messages";
import { LENGTH, storedColumns, storedLap } from "../fakes/stored-lap";

const OFFSET_MS = 700;
const server = (hubNow: number, state: Server["state"] = "open"): Server => ({
  state,
  hubNow,
  pageNow: hubNow,
});

function driverWith(values: Readonly<Record<string, number>>, ...times: number[]): Driver {
  const driver = new Driver("MOR");
  driver.presence.value = presence({ offset_ms: OFFSET_MS, seen_ms: times.at(-1) ?? 0 });
  times.forEach((t, i) => driver.take(frames(i, [t], values), t + OFFSET_MS, t + OFFSET_MS));
  return driver;
}

function read(driver: Driver, at: number) {
  const driving = new Driving(driver);
  driving.advance(at + OFFSET_MS);
  return readingOf(driving, at + OFFSET_MS, server(at + OFFSET_MS));
}

test("values are those at the clock's instant, in the units of the screen", () => {
  const values = { speed: 50, tyre_pressure_fl: 172_000, lap_valid: 0, in_pit_lane: 1 };
  const now = read(driverWith(values, 5000), 5000);
  expect(now.speed).toBe(180);
  expect(now.tyres.fl.pressure).toBe(172);
  expect(now.lapCounts).toBe(false);
  expect(now.inPits).toBe(true);
});

test("fuel is in litres where the car sends them, else in kg, else unknown", () => {
  expect(read(driverWith({ fuel_level: 40, fuel_mass: 30 }, 5000), 5000)).toMatchObject({
    fuel: 40,
    fuelUnit: "L",
  });
  expect(read(driverWith({ fuel_mass: 30 }, 5000), 5000)).toMatchObject({
    fuel: 30,
    fuelUnit: "kg",
  });
  expect(read(driverWith({ speed: 1 }, 5000), 5000).fuel).toBeNaN();
});

test("fuel changes once a second", () => {
  const driver = driverWith({ fuel_level: 40 }, 5000);
  driver.take(frames(9, [5500], { fuel_level: 39 }), 5500, 0);
  expect(read(driver, 5900).fuel).toBe(40);
  expect(read(driver, 6000).fuel).toBe(39);
});

test("a tyre without a surface temperature shows its core's", () => {
  const now = read(driverWith({ tyre_temp_core_rr: 85 }, 5000), 5000);
  expect(now.tyres.rr.temp).toBe(85);
  expect(now.tyres.fl.temp).toBeNaN();
});

test("the age of data is the hub's now minus capture minus the clock's offset", () => {
  const driver = driverWith({ speed: 1 }, 5000);
  expect(linkNow(driver, 5000 + OFFSET_MS, server(5000 + OFFSET_MS + 240)).words).toBe(
    "Live · 0.24 s behind the car",
  );
  driver.presence.value = presence({ offset_ms: null, seen_ms: 5000 });
  const link = linkNow(driver, 5000 + driver.offsetMs, server(5000 + OFFSET_MS + 240));
  expect(link.words).toBe("Live · age unknown");
});

test("a page without a server claims nothing about a link", () => {
  const driver = driverWith({ speed: 1 }, 5000);
  expect(linkNow(driver, 5700, server(5700, "lost")).kind).toBe("away");
  expect(linkNow(driver, 5700, server(5700, "connecting")).kind).toBe("live");
});

test("a finished game is recorded after ten silent seconds, an open one only for lost", () => {
  const driver = driverWith({ speed: 1 }, 5000);
  const at = (hubNow: number) => linkNow(driver, hubNow, server(hubNow)).kind;
  expect(at(5000 + OFFSET_MS + 12_000)).toBe("lost");
  driver.session.value = wholeSession(session({ finished_ns: 5e9 }));
  expect(at(5000 + OFFSET_MS + 9000)).not.toBe("recorded");
  expect(at(5000 + OFFSET_MS + 12_000)).toBe("recorded");
});

test("a drive that this page never saw live is recorded once its PC was not seen for 15 minutes", () => {
  const driver = new Driver("MOR");
  driver.takeStored([0, 5000], []);
  driver.presence.value = presence({ offset_ms: 0, seen_ms: 5000 });
  const after = (minutes: number) => server(5000 + minutes * 60_000);
  expect(linkNow(driver, 0, after(14)).kind).toBe("lost");
  expect(linkNow(driver, 0, after(16)).kind).toBe("recorded");
  driver.presence.value = presence({ offset_ms: 0, seen_ms: after(16).hubNow - 1000 });
  expect(linkNow(driver, 0, after(16)).kind).toBe("silent");
});

test("delta and difference compare with the reference at the same place", () => {
  const driver = new Driver("MOR");
  driver.presence.value = presence({ offset_ms: 0 });
  driver.session.value = wholeSession(session({ track_length_m: LENGTH }));
  const axis = { kind: "distance", length: LENGTH } as const;
  driver.reference.value = reference(storedLap, axis, storedColumns());
  for (let i = 0; i <= 100; i++) {
    const [t, x] = [20 * i, 20 * i * 0.05];
    const values = { speed: 50, lap_number: 5, lap_distance: x, lap_time: t / 1000 };
    driver.take(frames(i, [t], values), t, t);
  }
  const driving = new Driving(driver);
  driving.advance(2000);
  const now = readingOf(driving, 2000, server(2000));
  expect(now.delta).toBeCloseTo(2 - 100 / 60, 2);
  expect(now.difference).toBeCloseTo(-36, 1);
  const half = tracedAt(driving, 50);
  expect(half.delta).toBeCloseTo(1 - 50 / 60, 2);
  expect(half.speed).toBeCloseTo(180);
});

test("chunks of a PC that is seen long after Postgres stored any are not stored", () => {
  const driver = driverWith({ speed: 1 }, 5000);
  const at = server(5000 + OFFSET_MS + 240);
  const seen = { offset_ms: OFFSET_MS, seen_ms: at.hubNow };
  driver.presence.value = presence({ ...seen, stored_ms: at.hubNow - 9000 });
  expect(linkNow(driver, at.hubNow, at).kind).toBe("unstored");
  driver.presence.value = presence({ ...seen, stored_ms: at.hubNow - 1000 });
  expect(linkNow(driver, at.hubNow, at).kind).toBe("live");
  driver.presence.value = presence(seen); // nobody knows
  expect(linkNow(driver, at.hubNow, at).kind).toBe("live");
});
