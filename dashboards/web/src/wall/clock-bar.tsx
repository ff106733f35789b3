import { useEffect, useRef } from "preact/hooks";
import type { Clock } from "../core/clock";
import { clockTime, duration } from "../core/figures";
import { alarming, type LinkKind } from "../core/link/link-state";
import type { Coverage } from "../core/samples/holes";
import { cleared } from "../draw/canvas";
import { drawTimeline, type TimelineScene } from "../draw/timeline";
import { useStore, useView } from "../store/context";
import type { Driver } from "../store/driver";
import { LinkDot } from "../ui/link-dot";
import { wholeness } from "./links";

const DRAW_MS = 100;

export function ClockBar() {
  return (
    <footer class="clockbar" aria-label="Clock">
      <Record />
      <Bands />
      <Time />
    </footer>
  );
}

/** The recorded time of the chosen car, and its missing parts. */
function Record() {
  const view = useView();
  const driver = view.chosen.value;
  if (!driver) return <div class="record" />;
  const [from, to] = driver.coverage.value.span ?? [NaN, NaN];
  return (
    <div class="record">
      <p>
        Recorded <b>{duration(to - from)}</b> of {driver.name}
      </p>
      <p>{wholeness(driver, view.links.value.get(driver)?.kind)}</p>
    </div>
  );
}

function Bands() {
  const { loop, theme } = useStore();
  const view = useView();
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let drawnAt = 0;
    return loop.paint((pageNow) => {
      const driver = view.chosen.peek();
      if (!driver || !canvas.current || pageNow - drawnAt < DRAW_MS) return;
      drawnAt = pageNow;
      const surface = cleared(canvas.current);
      const scene = sceneOf(driver, view.clock.peek());
      if (surface) drawTimeline(surface, scene, theme.palette.peek());
    });
  }, [view]);
  return (
    <div class="bandbox">
      <canvas
        ref={canvas}
        role="img"
        aria-label="The last minutes with their laps, and the whole session"
      />
    </div>
  );
}

function sceneOf(driver: Driver, clock: Clock): TimelineScene {
  const coverage = driver.coverage.peek();
  const now = clock.t - driver.offsetMs;
  const live = clock.mode === "live";
  return {
    now,
    window: live ? clock.window : fitting(clock.window, now, coverage),
    coverage,
    laps: driver.laps.peek(),
    offset: driver.offsetMs,
    live,
  };
}

/** Shorten the window of a recorded race, so that it fills the band. */
function fitting(window: number, now: number, coverage: Coverage): number {
  return Math.max(30_000, Math.min(window, now - (coverage.span?.[0] ?? -Infinity)));
}

function Time() {
  const { socket } = useStore();
  const view = useView();
  const link = view.reading.value?.link;
  const lost = socket.state.value.kind === "lost";
  const [mode, age] = split(link?.words ?? "Waiting");
  return (
    <div class="clock">
      <p class="unseen" aria-live="polite">
        {lost ? "Server lost" : SPOKEN[link?.kind ?? "none"]}
      </p>
      <p class="mode">
        <LinkDot kind={lost ? "away" : (link?.kind ?? "none")} />
        {lost ? "Server lost" : mode}
      </p>
      <time>{clockTime(view.instant.value, true)}</time>
      <p class={`age ${alarming(link?.kind) ? "loss" : ""}`}>
        {lost ? "clock stopped" : age || "\u00a0"}
      </p>
    </div>
  );
}

/** The words for screen readers: only a change of mode is announced, never telemetry. */
const SPOKEN: Readonly<Record<LinkKind, string>> = {
  none: "Waiting",
  live: "Live",
  late: "Live, late",
  unstored: "The hub stores nothing",
  unkept: "The driver's disk keeps nothing",
  silent: "The game is silent",
  stale: "No samples",
  lost: "Link lost",
  recorded: "Recorded",
  closed: "App closed",
  away: "Server lost",
};

function split(words: string): readonly [string, string] {
  const [mode, age] = words.split(/ · |, /);
  return [mode ?? "", age ?? ""];
}
