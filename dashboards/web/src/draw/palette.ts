/** The theme's colours for canvases, and the choice of theme, remembered. */

import { signal } from "@preact/signals";

export type Theme = "dark" | "light";

const NAMES = [
  "bg",
  "well",
  "line",
  "line-strong",
  "ink",
  "ink-2",
  "ink-3",
  "ref",
  "track",
  "gain-fill",
  "loss-fill",
] as const;
export type Palette = Readonly<Record<(typeof NAMES)[number], string>>;

const KEY = "pitbox.theme";
export const theme = signal<Theme>(
  document.documentElement.dataset["theme"] === "light" ? "light" : "dark",
);
export const palette = signal<Palette>(colours());

export function switchTheme(): void {
  theme.value = theme.peek() === "dark" ? "light" : "dark";
  document.documentElement.dataset["theme"] = theme.value;
  localStorage.setItem(KEY, theme.value);
  palette.value = colours();
}

/** Return a colour with less weight. */
export function faded(colour: string, share: number): string {
  return (
    colour +
    Math.round(share * 255)
      .toString(16)
      .padStart(2, "0")
  );
}

function colours(): Palette {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(
    NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
  ) as Palette;
}
