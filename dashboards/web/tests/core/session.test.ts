import { expect, test } from "vitest";
import { gameOf, placeOf, titled, wholeSession } from "../../src/core/session";
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
