import { expect, test } from "vitest";
import { gameOf, leftOut, placeOf, titled, wholeSession } from "../../src/core/session";
import { session } from "../fakes/messages";

test("a track is written as a person would", () => {
  expect(titled("pebble-lane")).toBe("Pebble Lane");
  expect(titled("ks_nordschleife  24h")).toBe("Ks Nordschleife  24h");
  expect(titled("österreichring")).toBe("Österreichring");
  expect(titled("Trento-Bondone")).toBe("Trento-Bondone");
});

test("a session without a track is named by its game", () => {
  expect(placeOf(wholeSession(session({ track: "spa" })))).toBe("Spa");
  expect(placeOf(wholeSession(session({ source: "gt7", source_version: "1.5" })))).toBe(
    "Gran Turismo 7 1.5",
  );
  expect(placeOf(null)).toBe("");
});

test("a version that names the game is not prefixed with it, and an unknown game keeps its name", () => {
  expect(gameOf(wholeSession(session({ source: "f1", source_version: "F1 24" })))).toBe("F1 24");
  expect(gameOf(wholeSession(session({ source: "rally" })))).toBe("rally");
});

test("what was left out is counted and named", () => {
  const type = "sim.left_out";
  const left_out = [
    { type, at_ns: 1, reason: "unknown", count: 1312, about: "" },
    { type, at_ns: 1, reason: "other_game", count: 1, about: "F1 25, car 5" },
    { type, at_ns: 1, reason: "row", count: 2, about: "" },
  ] as const;
  expect(leftOut(wholeSession(session({ left_out: [...left_out] })))).toBe(
    "1,312 packets of an unknown kind, 1 packet of another game (F1 25, car 5), 2 damaged rows of the file",
  );
  expect(leftOut(wholeSession(session({})))).toBe("");
});
