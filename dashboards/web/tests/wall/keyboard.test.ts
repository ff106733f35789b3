import { expect, test } from "vitest";
import { listenForKeys } from "../../src/wall/keyboard";
import { FakePage } from "../fakes/page";

function made() {
  const page = new FakePage();
  const target = new EventTarget();
  listenForKeys(page.store, target);
  const press = (key: string, held: Record<string, unknown> = {}) =>
    target.dispatchEvent(Object.assign(new Event("keydown"), { key, code: "", ...held }));
  return { page, press, sheets: page.store.sheets };
}

test("Shift and a digit choose the car at that place", () => {
  const { page, press } = made();
  for (const name of ["ADA", "MOR"]) page.store.race.driverOf(name);
  press("@", { code: "Digit2", shiftKey: true });
  expect(page.store.view.chosen.value?.name).toBe("MOR");
  press("!", { code: "Digit9", shiftKey: true });
  expect(page.store.view.chosen.value?.name).toBe("MOR");
});

test("Esc closes every sheet and restores the charts", () => {
  const { press, sheets } = made();
  press("?");
  sheets.accounts.value = true;
  expect(sheets.help.value).toBe(true);
  press("Escape");
  expect([sheets.help.value, sheets.accounts.value, sheets.escapes.value]).toEqual([
    false,
    false,
    1,
  ]);
});

test("D switches the theme, its colours, and remembers it", () => {
  const { page, press } = made();
  press("d");
  expect(page.root.dataset["theme"]).toBe("light");
  expect(page.stored.get("pitbox.theme")).toBe("light");
  expect(page.store.theme.palette.value.ink).toBe("light--ink");
  press("D");
  expect(page.root.dataset["theme"]).toBe("dark");
});

test("keys with Ctrl, Alt or Meta belong to the browser", () => {
  const { press, sheets } = made();
  for (const held of ["ctrlKey", "altKey", "metaKey"]) press("?", { [held]: true });
  expect(sheets.help.value).toBe(false);
});
