/** The theme, remembered in this browser, and its colours for canvases. */

import { signal, type Signal } from "@preact/signals";
import { paletteOf, type Palette } from "../draw/palette";

const KEY = "pitbox.theme";

export class Theme {
  readonly palette: Signal<Palette>;

  constructor(
    private readonly root: HTMLElement,
    private readonly storage: Storage,
  ) {
    this.palette = signal(this.colours());
  }

  switch(): void {
    const next = this.root.dataset["theme"] === "light" ? "dark" : "light";
    this.root.dataset["theme"] = next;
    this.storage.setItem(KEY, next);
    this.palette.value = this.colours();
  }

  private colours(): Palette {
    const style = getComputedStyle(this.root);
    return paletteOf((name) => style.getPropertyValue(name));
  }
}
