/** A 2D context that records its calls, with the styles in force at each of them. */

import type { Surface } from "../../src/draw/canvas";
import { paletteOf } from "../../src/draw/palette";

export interface Drawn {
  readonly call: string;
  readonly at: readonly unknown[];
  readonly fillStyle: unknown;
  readonly strokeStyle: unknown;
  readonly lineDash: readonly number[];
}

/** Every colour is its own name, so that a test reads which one was used. */
export const COLOURS = paletteOf((name) => name.replace("--", ""));

export class RecordingContext {
  readonly drawn: Drawn[] = [];
  readonly context: CanvasRenderingContext2D;
  private readonly styles: Record<string, unknown> = {};
  private lineDash: readonly number[] = [];

  constructor(private readonly charWidth = 6) {
    this.context = new Proxy(this.styles, {
      get: (styles, name: string) => (name in styles ? styles[name] : this.method(name)),
      set: (styles, name: string, value) => {
        styles[name] = value;
        return true;
      },
    }) as unknown as CanvasRenderingContext2D;
  }

  surface(width: number, height: number): Surface {
    return { context: this.context, width, height };
  }

  /** Return the arguments of every call of a method, of those in one colour where it is given. */
  of(call: string, colour?: string): (readonly unknown[])[] {
    return this.calls(call, colour).map((drawn) => drawn.at);
  }

  calls(call: string, colour?: string): Drawn[] {
    const style = call.startsWith("stroke") ? "strokeStyle" : "fillStyle";
    return this.drawn.filter(
      (drawn) => drawn.call === call && (colour === undefined || drawn[style] === colour),
    );
  }

  /** Return the texts that were written, in order. */
  get texts(): unknown[] {
    return this.of("fillText").map(([text]) => text);
  }

  private method(call: string) {
    return (...at: unknown[]) => {
      if (call === "measureText") return { width: String(at[0]).length * this.charWidth };
      if (call === "setLineDash") this.lineDash = at[0] as number[];
      const { fillStyle, strokeStyle } = this.styles;
      this.drawn.push({ call, at, fillStyle, strokeStyle, lineDash: this.lineDash });
      return undefined;
    };
  }
}
