import { expect, test } from "vitest";
import { frames } from "../fakes/messages";
import { FakePage } from "../fakes/page";

test("painters run with every frame until they end", async () => {
  const page = await new FakePage().start();
  const painted: number[] = [];
  const end = page.store.loop.paint((pageNow) => painted.push(pageNow));
  await page.frame(16);
  await page.frame(16);
  end();
  await page.frame(16);
  expect(painted).toEqual([16, 32]);
});

test("the clock moves with every frame, text only ten times a second", async () => {
  const page = await new FakePage().start();
  const { view } = page.store;
  await page.frame(100);
  const read = view.instant.value;
  await page.frame(16);
  expect(view.instant.value).toBe(read);
  expect(view.clock.value.t).toBeGreaterThan(read);
  await page.frame(84);
  expect(view.instant.value).toBe(view.clock.value.t);
});

test("a tab that was hidden goes on with the hub's time, and a replay with one short step", async () => {
  const page = await new FakePage().start();
  const { view } = page.store;
  await page.frame(100);
  await page.frame(1500);
  expect(view.clock.value.t).toBeCloseTo(page.hubNow - view.clock.value.delay);
  view.clock.value = { ...view.clock.value, mode: "replay", t: 0, rate: 1 };
  await page.frame(1500);
  expect(view.clock.value.t).toBe(250);
});

test("the delay follows chunks that arrive late", async () => {
  const page = await new FakePage().start();
  const driver = page.store.race.driverOf("MOR");
  page.sockets.last.deliver(frames(1, [page.hubNow]));
  await page.frame(20);
  const { delay } = page.store.view.clock.value;
  page.sockets.last.deliver(frames(2, [page.hubNow - 400]));
  await page.frame(200);
  expect(driver.offsetMs).toBe(0);
  expect(page.store.view.clock.value.delay).toBeGreaterThan(delay);
});
