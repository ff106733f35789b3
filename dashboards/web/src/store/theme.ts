/** The theme, remembered in this browser, and its colours for canvases. */

import { signal, type Signal } from "@preact/signals";
import { paletteOf, type Palette } from "../draw/palette";

const KEY = "pitbox.theme";

export class Theme {
  readonly palette: Signal<Palette>;

  constructor(
    private readonly root: { readonly dataset: DOMStringMap },
    private readonly storage: Pick<Storage, "setItem">,
    /** Return a CSS variable as the current theme sets it. */
    private readonly variable: (name: string) => string,
  ) {
    this.palette = signal(paletteOf(variable));
  }

  switch(): void {
    const next = this.root.dataset["theme"] === "light" ? "dark" : "light";
    this.root.dataset["theme"] = next;
    this.storage.setItem(KEY, next);
    this.palette.value = paletteOf(this.variable);
  }
}
