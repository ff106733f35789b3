/** Keys work unless a text field has focus. */

import { signal } from "@preact/signals";
import { officeOpen } from "../accounts/accounts";
import { personOpen } from "../accounts/person";
import { switchTheme } from "../draw/palette";
import { choose } from "../store/feed";
import * as wall from "../store/wall";

export const helpOpen = signal(false);
export const menuOpen = signal(false);
/** Grows with every Esc: charts restore their zoom. */
export const escapes = signal(0);

export const KEYS: readonly (readonly [string, string])[] = [
  ["Shift 1-9", "cars of the session"],
  ["← →", "read the traces, while they have focus"],
  ["D", "dark or light"],
  ["?", "this list"],
  ["Esc", "close, restore zoom"],
];

export function listenForKeys(): void {
  addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement | null;
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      target?.matches("input, textarea, select")
    )
      return;
    const digit = /^Digit([1-9])$/.exec(event.code);
    if (event.shiftKey && digit) return car(Number(digit[1]) - 1);
    if (event.key === "d" || event.key === "D") switchTheme();
    else if (event.key === "?") helpOpen.value = !helpOpen.value;
    else if (event.key === "Escape") escape();
  });
}

function car(place: number): void {
  const driver = wall.drivers.peek()[place];
  if (driver) choose(wall.chosenSession.peek(), driver.name);
}

function escape(): void {
  helpOpen.value = false;
  menuOpen.value = false;
  personOpen.value = false;
  officeOpen.value = false;
  escapes.value += 1;
}
