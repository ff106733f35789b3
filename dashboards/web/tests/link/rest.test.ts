import { encode } from "@msgpack/msgpack";
import { expect, test } from "vitest";
import { Rest } from "../../src/link/rest";
import { FakeGateway, json } from "../fakes/gateway";

function made() {
  const gateway = new FakeGateway();
  const request = (path: string, init?: RequestInit) =>
    gateway.fetch(path, init).catch(() => null);
  return { gateway, rest: new Rest(request) };
}

const bytes = (numbers: Float64Array | Float32Array) =>
  new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);

function packed(): Response {
  const body = encode({
    session: "evening",
    driver: "MOR",
    lap: null,
    channels: ["speed", "gear"],
    units: ["m/s", ""],
    times: bytes(Float64Array.of(1000.5, 1016.5)),
    columns: [bytes(Float32Array.of(60, 61)), bytes(Float32Array.of(3, 4))],
    holes: [],
  });
  return new Response(body.slice());
}

test("telemetry of a lap arrives as columns of numbers", async () => {
  const { gateway, rest } = made();
  gateway.on("sessions", packed());
  const found = await rest.lap("evening", "MOR", 7, ["speed", "gear"]);
  expect(found?.channels).toEqual(["speed", "gear"]);
  expect([...(found?.times ?? [])]).toEqual([1000.5, 1016.5]);
  expect(found?.columns.map((column) => [...column])).toEqual([
    [60, 61],
    [3, 4],
  ]);
  const [call] = gateway.calls;
  expect(call.path).toBe(
    "sessions/evening/drivers/MOR/laps/7/telemetry?channels=speed,gear&format=msgpack",
  );
  expect(call.headers.get("accept")).toBe("application/vnd.msgpack");
});

test("a range is requested in ns without rounding, and without an end up to the newest", async () => {
  const { gateway, rest } = made();
  gateway.on("sessions", packed());
  const ms = 1_795_000_000_123;
  await rest.range("evening", "MOR", ms, ms + 1, ["speed"]);
  await rest.range("evening", "MOR", ms, null, ["speed"]);
  expect(gateway.calls[0].path).toContain(
    "from_ns=1795000000123000000&to_ns=1795000000124000000&",
  );
  expect(gateway.calls[1].path).toContain(`to_ns=${2n ** 63n - 1n}&`);
});

test("a refusal and a lost answer are both null", async () => {
  const { gateway, rest } = made();
  gateway.on("sessions", json({ status: 404, detail: "there is no such session" }, 404));
  expect(await rest.session("evening")).toBeNull();
  expect(await rest.lap("evening", "MOR", 7, ["speed"])).toBeNull();
  gateway.on("sessions", null);
  expect(await rest.sessions()).toBeNull();
});
