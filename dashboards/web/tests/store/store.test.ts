import { expect, test } from "vitest";
import { View } from "../../src/store/view";
import type { Subscribe } from "../../src/wire";
import { json } from "../fakes/gateway";
import { frames } from "../fakes/messages";
import { FakePage } from "../fakes/page";

const subscriptions = (page: FakePage) =>
  page.sockets.last.sent.filter((sent): sent is Subscribe => sent.type === "wall.subscribe");

test("two stores share nothing", async () => {
  const [one, other] = [await new FakePage().start(), await new FakePage().start("morning")];
  one.sockets.last.deliver(frames(1, [one.hubNow], { speed: 60 }));
  one.store.sheets.help.value = true;
  expect(one.store.race.drivers.value).toHaveLength(1);
  expect(other.store.race.drivers.value).toHaveLength(0);
  expect(other.store.race.session.value).toBe("morning");
  expect(other.store.sheets.help.value).toBe(false);
});

test("the live socket opens at the page's hub with a ticket, encrypted where the page is", async () => {
  const plain = await new FakePage("http://hub:8000/?session=evening#x").start();
  expect(plain.sockets.last.address).toBe("ws://hub:8000/api/v1/live?ticket=T1");
  const encrypted = await new FakePage("https://hub/wall/").start();
  expect(encrypted.sockets.last.address).toBe("wss://hub/wall/api/v1/live?ticket=T1");
});

test("each connect subscribes to the session and fetches its holes", async () => {
  const page = await new FakePage().start();
  expect(subscriptions(page).map((sent) => sent.session)).toEqual(["evening"]);
  page.sockets.last.fail();
  await page.timers.pass(500);
  page.sockets.last.accept();
  expect(subscriptions(page).map((sent) => sent.session)).toEqual(["evening"]);
  const before = page.gateway.paths.length;
  await page.timers.pass(2500);
  expect(page.gateway.paths.slice(before)).toContain("sessions/evening/holes");
});

test("another session drops the drivers before and is subscribed to", async () => {
  const page = await new FakePage().start();
  page.sockets.last.deliver(frames(1, [page.hubNow]));
  page.store.follow("morning");
  expect(page.store.race.drivers.value).toEqual([]);
  expect(subscriptions(page).at(-1)?.session).toBe("morning");
});

test("without a chosen session the newest is followed, and a newer one does not replace it", async () => {
  const page = new FakePage();
  page.gateway.on("sessions", json([{ session: "evening", drivers: [] }]));
  await page.start("");
  expect(page.store.race.session.value).toBe("evening");
  const newer = { session: "night", drivers: [] };
  page.gateway.on("sessions", json([newer, { session: "evening", drivers: [] }]));
  await page.timers.pass(25_000);
  expect(page.store.sessions.list.value?.[0].session).toBe("night");
  expect(page.store.race.session.value).toBe("evening");
});

test("an ended access stops the page's requests", async () => {
  const page = await new FakePage().start();
  page.sockets.last.fail(4401);
  expect(page.store.access.ended.value).toBe(true);
  const before = page.gateway.calls.length;
  await page.timers.pass(30_000);
  expect(page.gateway.calls).toHaveLength(before);
});

test("a second view has a clock of its own, and both show the instant of theirs", async () => {
  const page = await new FakePage().start();
  const { store } = page;
  const second = new View(store.race);
  store.show(second);
  const now = page.hubNow;
  for (let i = 0; i < 10; i++) {
    page.sockets.last.deliver(frames(i, [now - 1000 + 100 * i], { speed: 10 * i, lap_number: 1 }));
  }
  second.clock.value = { ...second.clock.value, mode: "replay", t: now - 700, rate: 0 };
  await page.frame(100);
  const offset = store.race.driverOf("MOR").offsetMs;
  expect(second.reading.value?.t).toBe(now - 700);
  expect(second.reading.value?.speed).toBeCloseTo((now - 700 - offset - (now - 1000)) * 0.36, 3);
  expect(store.view.reading.value?.t).toBeGreaterThan(now - 300);
  expect(store.view.reading.value?.speed).not.toBeCloseTo(second.reading.value?.speed ?? NaN, 3);
});

test("a view that is closed is neither moved nor loaded any more", async () => {
  const page = await new FakePage().start();
  const { store } = page;
  const second = new View(store.race);
  const close = store.show(second);
  page.sockets.last.deliver(frames(1, [page.hubNow], {}, { driver: "ADA" }));
  page.sockets.last.deliver(frames(1, [page.hubNow]));
  await page.frame(100);
  const { t } = second.clock.value;
  close();
  await page.frame(100);
  expect(store.view.clock.value.t).toBeGreaterThan(t);
  expect(second.clock.value.t).toBe(t);
  const before = page.gateway.paths.length;
  second.chosenName.value = "MOR";
  await page.timers.pass(0);
  expect(page.gateway.paths.slice(before)).toEqual([]);
});

test("chunks sent while the page was not connected are no hole", async () => {
  const page = await new FakePage().start();
  page.sockets.last.deliver(frames(1, [page.hubNow]));
  page.sockets.last.fail();
  await page.timers.pass(500);
  page.sockets.last.accept();
  page.sockets.last.deliver(frames(9, [page.hubNow]));
  expect(page.store.race.driverOf("MOR").coverage.value.holes).toEqual([]);
});
