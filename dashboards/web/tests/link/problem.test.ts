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

test("no regular expression and no type name reaches people", () => {
  const name = sentence("name: Expected `str` matching regex '^[a-z0-9][a-z0-9._-]{1,31}$'");
  expect(name).toContain("2 to 32 small letters");
  const other = sentence("role: Expected `str`, got `null`");
  expect(other).toBe("The hub does not accept this value of role.");
  for (const words of [name, other]) expect(words).not.toMatch(/regex|`|\^|str\b/);
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
