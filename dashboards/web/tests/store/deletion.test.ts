import { expect, test } from "vitest";
import { Access } from "../../src/link/access";
import { Deletion } from "../../src/store/deletion";
import { Race } from "../../src/store/race";
import type { Me } from "../../src/wire";
import { FakeGateway, json, loggedIn } from "../fakes/gateway";
import { FakeTimers } from "../fakes/timers";

async function made(me: Partial<Me>) {
  const [gateway, race] = [new FakeGateway(), new Race()];
  const access = new Access(gateway.fetch, new FakeTimers().now);
  gateway.on("login", loggedIn("token", 100_000));
  await access.logIn("login", {});
  access.me.value = { name: "ann", role: "owner", driver: null, has_password: true, ...me };
  race.follow("evening");
  race.driverOf("ADA");
  race.driverOf("MOR");
  return { gateway, deletion: new Deletion(access, race) };
}

test("an owner deletes everybody's part, a driver the own one, others none", async () => {
  expect((await made({})).deletion.drivers.value).toEqual(["ADA", "MOR"]);
  const mor = await made({ role: "driver", driver: "MOR" });
  expect(mor.deletion.drivers.value).toEqual(["MOR"]);
  for (const role of ["guest", "engineer"] as const) {
    expect((await made({ role, driver: "MOR" })).deletion.drivers.value).toEqual([]);
  }
});

test("a part that the hub refuses ends the deletion with its reason", async () => {
  const { gateway, deletion } = await made({});
  const [ada, mor] = ["sessions/evening/drivers/ADA", "sessions/evening/drivers/MOR"];
  gateway.on(ada, json({ status: 409, detail: "session: ADA drives evening now" }, 409));
  gateway.on(mor, json({}));
  deletion.ask();
  expect(deletion.asks.value).toBe(true);
  await deletion.confirm();
  expect(deletion.asks.value).toBe(false);
  expect(deletion.refusal.value).toContain("ADA drives evening now");
  expect(gateway.paths).not.toContain(mor);
  gateway.on(ada, json({}));
  await deletion.confirm();
  expect(deletion.refusal.value).toBe("");
  expect(gateway.paths).toContain(mor);
});
