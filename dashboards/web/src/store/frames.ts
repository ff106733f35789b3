/** The page's only animation loop: the clock moves, cars advance, everything is painted. */

import { advanced, eased, pausedClock } from "../core/clock";
import { closingLap } from "../core/lap/laps";
import { arrivals, socket } from "./feed";
import { links, read } from "./reading";
import * as wall from "./wall";

type Painter = (pageNow: number) => void;

const TEXT_MS = 100;
const painters = new Set<Painter>();
let before = 0;
let readAt = 0;

/** Have something painted with every frame; returns how to stop it. */
export function paint(painter: Painter): () => void {
  painters.add(painter);
  return () => painters.delete(painter);
}

export function run(): void {
  requestAnimationFrame(function frame(pageNow) {
    move(pageNow);
    for (const painter of painters) painter(pageNow);
    requestAnimationFrame(frame);
  });
}

function move(pageNow: number): void {
  const elapsed = Math.min(250, pageNow - before);
  before = pageNow;
  const connected = socket.state.peek().kind === "open";
  if (connected) {
    const clock = eased(wall.clock.peek(), arrivals.worst, elapsed);
    wall.clock.value = advanced(clock, socket.hubClock.at(pageNow), elapsed);
  }
  wall.chosen.peek()?.advance(wall.clock.peek().t);
  if (pageNow - readAt < TEXT_MS) return;
  readAt = pageNow;
  read(pageNow);
  for (const driver of wall.drivers.peek()) driver.heal(pageNow);
  if (connected) rest();
}

/** A race that is over has no live end: the clock stands at the end of its last lap. */
function rest(): void {
  const clock = wall.clock.peek();
  const all = [...links.peek().values()];
  const over = all.length > 0 && all.every((link) => link.kind === "recorded");
  if (!over && clock.mode === "paused") wall.clock.value = { ...clock, mode: "live" };
  if (!over) return;
  const driver = wall.chosen.peek();
  const ended = closingLap(driver?.laps.peek() ?? [])?.ended_ns;
  const newest = driver?.coverage.peek().span?.[1] ?? NaN;
  const t = (ended == null ? newest : ended / 1e6 - 1) + (driver?.offsetMs ?? 0);
  if (clock.mode !== "paused" || clock.t !== t) wall.clock.value = pausedClock(t);
}
