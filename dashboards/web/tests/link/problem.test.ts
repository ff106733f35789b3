import { expect, test } from "vitest";
import { problem, sentence } from "../../src/link/problem";
import { json } from "../fakes/gateway";

test("a detail of the server is shown as a sentence", async () => {
  expect(await problem(json({ status: 409, detail: "this name is taken" }, 409))).toBe(
    "This name is taken",
  );
});

test("without a detail the status is shown, and without an answer that", async () => {
  expect(await problem(new Response("<html>", { status: 502 }))).toBe("The hub answers 502.");
  expect(await problem(null)).toBe("The hub does not answer, try again.");
});

test("the rule of a field becomes a sentence about the field", () => {
  expect(sentence("name: it takes 2 to 32 small letters")).toBe(
    "The name takes 2 to 32 small letters",
  );
  expect(sentence("role: it takes one of owner, guest")).toBe("Role: it takes one of owner, guest");
});

test("a field of the server becomes the subject of a sentence, or is left out", () => {
  expect(sentence("password: must have at least 12 characters")).toBe(
    "The password must have at least 12 characters",
  );
  expect(sentence("current: is not your password")).toBe("This is not your password");
  expect(sentence("driver: MOR belongs to another account")).toBe("MOR belongs to another account");
  expect(sentence("too many tries, wait a moment")).toBe("Too many tries, wait a moment");
  expect(sentence("limit: there is no such parameter here")).toBe(
    "Limit: there is no such parameter here",
  );
});
