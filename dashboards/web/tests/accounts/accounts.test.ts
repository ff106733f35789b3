import { expect, test } from "vitest";
import { Accounts } from "../../src/accounts/accounts";
import { Access } from "../../src/link/access";
import { FakeGateway, json, loggedIn } from "../fakes/gateway";

async function made() {
  const gateway = new FakeGateway();
  gateway.on("login", loggedIn("T", 100_000)).on("accounts", json([{ name: "ann" }]));
  gateway.on("drivers", json([{ driver: "MOR" }])).on("audit", json([{ id: 1 }]));
  const access = new Access(gateway.fetch, () => 0);
  await access.logIn("login", {});
  return { gateway, accounts: new Accounts(access) };
}

test("accounts, drivers and the audit log are loaded together", async () => {
  const { accounts } = await made();
  await accounts.load();
  expect(accounts.accounts.value).toEqual([{ name: "ann" }]);
  expect(accounts.drivers.value).toEqual([{ driver: "MOR" }]);
  expect(accounts.audit.value).toEqual([{ id: 1 }]);
});

test("older entries of the audit log follow those shown", async () => {
  const { gateway, accounts } = await made();
  const older = '</api/v1/audit?after=x>; rel="next"';
  gateway.on("audit", ({ path }) =>
    path.includes("after") ? json([{ id: 1 }]) : json([{ id: 2 }], 200, older),
  );
  await accounts.load();
  expect(accounts.olderAudit.value).toBe("audit?after=x");
  await accounts.loadOlderAudit();
  expect(accounts.audit.value).toEqual([{ id: 2 }, { id: 1 }]);
  expect(accounts.olderAudit.value).toBeNull();
});

test("an invitation is kept to be shown, and a refusal keeps its reason", async () => {
  const { gateway, accounts } = await made();
  gateway.on("accounts", ({ method }) =>
    method === "POST" ? json({ name: "bob", secret: "S" }) : json([]),
  );
  await accounts.invite("accounts", { name: "bob", role: "guest", driver: null });
  expect(accounts.invited.value?.secret).toBe("S");
  gateway.on("accounts", json({ detail: "this name is taken" }, 409));
  await accounts.invite("accounts", { name: "bob" });
  expect(accounts.refusal.value).toBe("This name is taken");
  expect(accounts.invited.value?.name).toBe("bob");
});

test("a change and a revocation are followed by the new state", async () => {
  const { gateway, accounts } = await made();
  gateway.on("accounts/ann", json({})).on("drivers/MOR/revoke", json({}));
  await accounts.change("PUT", "accounts/ann", { disabled: true });
  expect(gateway.paths.slice(1, 3)).toEqual(["accounts/ann", "accounts"]);
  await accounts.revoke("drivers/MOR");
  expect(gateway.paths.slice(-2)).toEqual(["drivers/MOR/revoke", "drivers"]);
});
