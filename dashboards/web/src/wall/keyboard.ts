/** The wall's keys; they work unless a text field has focus. */

import type { Store } from "../store/store";

export const KEYS: readonly (readonly [string, string])[] = [
  ["Shift 1-9", "cars of the session"],
  ["← →", "read the traces, while they have focus"],
  ["D", "dark or light"],
  ["?", "this list"],
  ["Esc", "close, restore zoom"],
];

export function listenForKeys(store: Store, target: EventTarget): void {
  const { race, sheets, theme, view } = store;
  target.addEventListener("keydown", (raised) => {
    const event = raised as KeyboardEvent;
    const element = event.target as HTMLElement | null;
    const modified = event.ctrlKey || event.metaKey || event.altKey;
    if (modified || element?.matches?.("input, textarea, select")) return;
    const digit = /^Digit([1-9])$/.exec(event.code);
    if (event.shiftKey && digit) {
      const driver = race.drivers.peek()[Number(digit[1]) - 1];
      if (driver) view.chosenName.value = driver.name;
    } else if (event.key === "d" || event.key === "D") theme.switch();
    else if (event.key === "?") sheets.help.value = !sheets.help.peek();
    else if (event.key === "Escape") sheets.closeAll();
  });
}
