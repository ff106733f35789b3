/** The colours that canvases use, named as in the style sheet. */

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

/** Read the palette from CSS variables, `--ink` for "ink". */
export function paletteOf(variable: (name: string) => string): Palette {
  return Object.fromEntries(NAMES.map((name) => [name, variable(`--${name}`).trim()])) as Palette;
}

/** Return a colour `#rrggbb` with an opacity between 0 and 1. */
export function faded(colour: string, opacity: number): string {
  const alpha = Math.round(opacity * 255);
  return colour + alpha.toString(16).padStart(2, "0");
}
