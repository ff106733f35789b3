import { expect, test } from "vitest";
import { Rest } from "../../src/link/rest";
import { FakeGateway, json, telemetry } from "../fakes/gateway";

function made() {
  const gateway = new FakeGateway();
  const request = (path: string, init?: RequestInit) => gateway.fetch(path, init).catch(() => null);
  return { gateway, rest: new Rest(request) };
}

const LAP = "sessions/evening/drivers/MOR/laps/7/telemetry";
const RANGE = "sessions/evening/drivers/MOR/telemetry";

test("telemetry of a lap arrives as columns of numbers", async () => {
  const { gateway, rest } = made();
  gateway.on(LAP, telemetry([1000.5, 1016.5], { speed: [60, 61], gear: [3, 4] }));
  const found = await rest.lap("evening", "MOR", 7, ["speed", "gear"]);
  expect(found?.channels).toEqual(["speed", "gear"]);
  expect([...(found?.times ?? [])]).toEqual([1000.5, 1016.5]);
  expect(found?.columns.map((column) => [...column])).toEqual([
    [60, 61],
    [3, 4],
  ]);
  const [call] = gateway.calls;
  expect(call.path).toBe(`${LAP}?channels=speed,gear&format=msgpack`);
  expect(call.headers.get("accept")).toBe("application/vnd.msgpack");
});

test("a range is requested in ns without rounding, and without an end up to the newest", async () => {
  const { gateway, rest } = made();
  gateway.on(RANGE, telemetry([], { speed: [] }));
  const ms = 1_795_000_000_123;
  await rest.range("evening", "MOR", ms, ms + 1, ["speed"]);
  await rest.range("evening", "MOR", ms, null, ["speed"]);
  expect(gateway.calls[0].path).toContain("from_ns=1795000000123000000&to_ns=1795000000124000000&");
  expect(gateway.calls[1].path).toContain(`to_ns=${2n ** 63n - 1n}&`);
});

test("a refusal and a lost answer are both null", async () => {
  const { gateway, rest } = made();
  gateway.on("sessions/evening", json({ detail: "there is no such session" }, 404));
  expect(await rest.session("evening")).toBeNull();
  gateway.on(LAP, json({ detail: "there is no such lap" }, 404));
  expect(await rest.lap("evening", "MOR", 7, ["speed"])).toBeNull();
  gateway.on("sessions", null);
  expect(await rest.sessions()).toBeNull();
});
