import { expect, test } from "vitest";
import { stateOf } from "../../src/enrol/code-state";
import type { EnrolmentState } from "../../src/wire";

const made = { driver: "MOR", code: "K7-4FQD-9XWE", link_code: "A", expires_s: 600 };
const open: EnrolmentState = {
  driver: "MOR",
  begins: "K7",
  used: false,
  pc: "",
  tries_left: 5,
  expires_s: 500,
};

test("a code is open until its time is over", () => {
  expect(stateOf(made, open, 90_000)).toEqual({ kind: "open", leftMs: 500_000, typed: true });
  expect(stateOf(made, { ...open, expires_s: 0 }, 90_000).kind).toBe("expired");
});

test("without an answer the page counts on by itself", () => {
  expect(stateOf(made, null, 90_000)).toEqual({ kind: "open", leftMs: 90_000, typed: true });
  expect(stateOf(made, null, 0).kind).toBe("expired");
});

test("a code is used, replaced or closed, even when its time is over", () => {
  const used = { ...open, used: true, pc: "rig-2", expires_s: 0 };
  expect(stateOf(made, used, 0)).toEqual({ kind: "used", pc: "rig-2" });
  expect(stateOf(made, { ...open, begins: "ZZ" }, 90_000).kind).toBe("replaced");
  expect(stateOf(made, { ...open, tries_left: 0 }, 90_000)).toMatchObject({ typed: false });
});
