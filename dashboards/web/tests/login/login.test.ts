import { expect, test } from "vitest";
import { Access } from "../../src/link/access";
import { Login } from "../../src/login/login";
import { FakeGateway, json, loggedIn } from "../fakes/gateway";

function made() {
  const gateway = new FakeGateway();
  const access = new Access(gateway.fetch, () => 0);
  return { gateway, access, login: new Login(access) };
}

test("a link logs in by its secret", async () => {
  const { gateway, access, login } = made();
  gateway.on("login/link", loggedIn());
  await login.start("#link=S3CRET");
  expect(access.me.value?.name).toBe("ann");
  expect(gateway.calls[0].body).toEqual({ secret: "S3CRET" });
});

test("a link that is refused leads to the password, with the reason", async () => {
  const { gateway, login } = made();
  gateway
    .on("login/link", json({ detail: "this link was used" }, 401))
    .on("refresh", json({}, 401));
  await login.start("#link=OLD");
  expect(login.way.value).toBe("password");
  expect(login.refusal.value).toBe("This link was used");
});

test("a visit without a secret uses the cookie, and asks for a password without one", async () => {
  const { gateway, access, login } = made();
  gateway.on("refresh", json({}, 401));
  await login.start("");
  expect(login.way.value).toBe("password");
  gateway.on("refresh", loggedIn());
  await login.byCookie();
  expect(access.me.value?.name).toBe("ann");
});

test("a hub that does not answer is said, and tried again on demand", async () => {
  const { gateway, login } = made();
  gateway.on("refresh", null);
  await login.start("");
  expect(login.way.value).toBe("no answer");
  gateway.on("refresh", json({}, 401));
  await login.byCookie();
  expect(login.way.value).toBe("password");
});

test("an invitation and an enrolment code are shown without any request", async () => {
  const [invited, enrolled] = [made(), made()];
  await invited.login.start("#invitation=I1");
  await enrolled.login.start("#enrol=E1");
  expect([invited.login.way.value, invited.login.secret]).toEqual(["invitation", "I1"]);
  expect([enrolled.login.way.value, enrolled.login.secret]).toEqual(["enrolment", "E1"]);
  expect([...invited.gateway.calls, ...enrolled.gateway.calls]).toEqual([]);
});

test("two passwords that differ are not sent", async () => {
  const { gateway, login } = made();
  gateway.on("invitations/accept", loggedIn());
  await login.start("#invitation=I1");
  await login.byInvitation("several good words", "several god words");
  expect(login.refusal.value).toBe("These two passwords differ.");
  expect(gateway.calls).toEqual([]);
  await login.byInvitation("several good words", "several good words");
  expect(gateway.calls[0].body).toEqual({ secret: "I1", password: "several good words" });
});

test("a name is sent as accounts spell it", async () => {
  const { gateway, login } = made();
  gateway.on("login", loggedIn());
  await login.byPassword(" Ann ", "several good words");
  expect(gateway.calls[0].body).toMatchObject({ name: "ann" });
});
