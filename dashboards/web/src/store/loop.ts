/** The page's only animation loop: clocks move, cars advance, everything is painted. */

import type { Feed } from "./feed/feed";
import type { Race } from "./race";
import type { View } from "./view";

export type Painter = (pageNow: number) => void;
export type RequestFrame = (run: (pageNow: number) => void) => void;

const TEXT_MS = 100;
/** The most that a clock moves in one frame: a hidden tab gets none for minutes. */
const LONGEST_FRAME_MS = 250;

export class AnimationLoop {
  private readonly painters = new Set<Painter>();
  private readonly views = new Set<View>();
  private movedAt = 0;
  private readAt = 0;

  constructor(
    private readonly race: Race,
    private readonly feed: Feed,
    private readonly requestFrame: RequestFrame,
  ) {}

  /** Move a view's clock with every frame; return a function that ends it. */
  move(view: View): () => void {
    this.views.add(view);
    return () => this.views.delete(view);
  }

  /** Paint something with every frame; return a function that ends it. */
  paint(painter: Painter): () => void {
    this.painters.add(painter);
    return () => this.painters.delete(painter);
  }

  start(): void {
    const { requestFrame } = this;
    requestFrame((pageNow) => {
      this.frame(pageNow);
      this.start();
    });
  }

  private frame(pageNow: number): void {
    const elapsedMs = Math.min(LONGEST_FRAME_MS, pageNow - this.movedAt);
    this.movedAt = pageNow;
    const server = this.feed.server(pageNow);
    for (const view of this.views) view.advance(server, this.feed.arrivals.worst, elapsedMs);
    if (pageNow - this.readAt >= TEXT_MS) {
      this.readAt = pageNow;
      for (const view of this.views) view.read(server);
      for (const driver of this.race.drivers.peek()) driver.heal(pageNow);
    }
    for (const painter of this.painters) painter(pageNow);
  }
}
