import { expect, test } from "vitest";
import { Access } from "../../src/link/access";
import { FakeGateway, json, loggedIn } from "../fakes/gateway";
import { FakeTimers } from "../fakes/timers";

function made() {
  const [gateway, timers] = [new FakeGateway(), new FakeTimers()];
  return { gateway, timers, access: new Access(gateway.fetch, timers.now) };
}

async function loggedInAccess() {
  const parts = made();
  parts.gateway.on("login", loggedIn()).on("sessions", json([]));
  expect(await parts.access.logIn("login", { name: "ann" })).toBe("");
  return parts;
}

test("a login is known, and its token goes with every request", async () => {
  const { access, gateway } = await loggedInAccess();
  await access.request("sessions");
  expect(access.me.value?.name).toBe("ann");
  expect(gateway.calls.at(-1)?.headers.get("authorization")).toBe("Bearer token-1");
});

test("a refused login says why, and nobody is logged in", async () => {
  const { access, gateway } = made();
  gateway.on("login", json({ status: 401, detail: "name or password is wrong" }, 401));
  expect(await access.logIn("login", {})).toBe("Name or password is wrong");
  expect(access.me.value).toBeNull();
});

test("a token is renewed a minute before it expires, not sooner", async () => {
  const { access, gateway, timers } = await loggedInAccess();
  gateway.on("refresh", loggedIn("token-2"));
  await timers.pass(539_000);
  await access.request("sessions");
  expect(gateway.paths).not.toContain("refresh");
  await timers.pass(2000);
  await access.request("sessions");
  expect(gateway.paths.slice(-2)).toEqual(["refresh", "sessions"]);
  expect(gateway.calls.at(-1)?.headers.get("authorization")).toBe("Bearer token-2");
});

test("a refused token is renewed once, and the request sent again", async () => {
  const { access, gateway } = await loggedInAccess();
  gateway
    .on("refresh", loggedIn("token-2"))
    .on("sessions", ({ headers }) =>
      headers.get("authorization") === "Bearer token-2" ? json([]) : json({}, 401),
    );
  expect((await access.request("sessions"))?.status).toBe(200);
  expect(gateway.paths).toEqual(["login", "sessions", "refresh", "sessions"]);
});

test("requests at the same time share one renewal", async () => {
  const { access, gateway, timers } = await loggedInAccess();
  gateway.on("refresh", loggedIn("token-2"));
  await timers.pass(600_000);
  await Promise.all([access.request("sessions"), access.request("sessions")]);
  expect(gateway.paths.filter((path) => path === "refresh")).toHaveLength(1);
});

test("access ends when a renewal is refused, and nothing is sent afterwards", async () => {
  const { access, gateway, timers } = await loggedInAccess();
  gateway.on("refresh", json({}, 401)).on("sessions", json({}, 401));
  await timers.pass(600_000);
  await access.request("sessions");
  expect(access.ended.value).toBe(true);
  const sent = gateway.calls.length;
  expect(await access.request("sessions")).toBeNull();
  expect(gateway.calls).toHaveLength(sent);
});

test("a visitor without a cookie is logged out, but no access has ended", async () => {
  const { access, gateway } = made();
  gateway.on("refresh", json({}, 401));
  expect(await access.renew()).toBe("logged out");
  expect(access.ended.value).toBe(false);
});

test("a renewal without an answer is tried twice, and ends no access", async () => {
  const { access, gateway } = await loggedInAccess();
  gateway.on("refresh", null);
  expect(await access.renew()).toBe("no answer");
  expect(gateway.paths).toEqual(["login", "refresh", "refresh"]);
  expect(access.ended.value).toBe(false);
});

test("a change sends its body as JSON and returns the reason of a refusal", async () => {
  const { access, gateway } = await loggedInAccess();
  gateway.on("consents", json({ status: 403, detail: "only the driver may decide" }, 403));
  const body = { kind: "camera", role: "guest", allowed: false };
  expect(await access.change("PUT", "consents", body)).toBe("Only the driver may decide");
  expect(gateway.calls.at(-1)).toMatchObject({ method: "PUT", path: "consents", body });
});

test("a ticket is null while the hub does not answer", async () => {
  const { access, gateway } = await loggedInAccess();
  gateway.on("ws-ticket", json({ ticket: "T1" }));
  expect(await access.ticket()).toBe("T1");
  gateway.on("ws-ticket", null);
  expect(await access.ticket()).toBeNull();
});
