import { expect, test } from "vitest";
import { everyRow, pageOf } from "../../src/link/pages";
import { FakeGateway, json } from "../fakes/gateway";

function made(pages: Readonly<Record<string, number[] | null>>) {
  const gateway = new FakeGateway();
  const names = Object.keys(pages);
  gateway.on("laps", ({ path }) => {
    const name = new URLSearchParams(path.split("?")[1]).get("after") ?? "";
    const next = names[names.indexOf(name) + 1];
    const link = next === undefined ? "" : `</api/v1/laps?own=true&after=${next}>; rel="next"`;
    return pages[name] ? json(pages[name], 200, link) : json({}, 503);
  });
  const request = (path: string, init?: RequestInit) => gateway.fetch(path, init).catch(() => null);
  return { gateway, request };
}

test("a page names the path of the next one, and the last page names none", async () => {
  const { request } = made({ "": [1, 2], second: [3] });
  const first = await pageOf<number>(request, "laps?own=true");
  expect(first).toEqual({ rows: [1, 2], next: "laps?own=true&after=second" });
  expect(await pageOf<number>(request, first?.next ?? "")).toEqual({ rows: [3], next: null });
});

test("a list is fetched to its last page", async () => {
  const { gateway, request } = made({ "": [1], b: [2], c: [3] });
  expect(await everyRow<number>(request, "laps")).toEqual([1, 2, 3]);
  expect(gateway.calls).toHaveLength(3);
});

test("a list with a page that has no answer is no list", async () => {
  const { request } = made({ "": [1], b: null });
  expect(await everyRow<number>(request, "laps")).toBeNull();
});
