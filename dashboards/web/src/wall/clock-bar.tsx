import { useEffect, useRef } from "preact/hooks";
import { clockTime, duration } from "../core/figures";
import type { Coverage } from "../core/samples/holes";
import type { LinkKind } from "../core/link/link-state";
import { Timeline } from "../draw/timeline";
import { paint } from "../store/frames";
import { socket } from "../store/feed";
import { instant, links, reading } from "../store/reading";
import * as wall from "../store/wall";
import { wholeness } from "./links";
import { LinkDot } from "../ui/link-dot";

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

/** What is recorded of the chosen car, and whether all of it is there. */
function Record() {
  const driver = wall.chosen.value;
  if (!driver) return <div class="record" />;
  const [from, to] = driver.coverage.value.span ?? [NaN, NaN];
  return (
    <div class="record">
      <p>
        Recorded <b>{duration(to - from)}</b> of {driver.name}
      </p>
      <p>{wholeness(driver, links.value.get(driver)?.kind)}</p>
    </div>
  );
}

function Bands() {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (!canvas.current) return;
    const timeline = new Timeline(canvas.current);
    let drawnAt = 0;
    return paint((pageNow) => {
      const driver = wall.chosen.peek();
      if (!driver || pageNow - drawnAt < DRAW_MS) return;
      drawnAt = pageNow;
      const clock = wall.clock.peek();
      const coverage = driver.coverage.peek();
      const now = clock.t - driver.offsetMs;
      timeline.draw({
        now,
        window: clock.mode === "live" ? clock.window : fitting(clock.window, now, coverage),
        coverage,
        laps: driver.laps.peek(),
        offset: driver.offsetMs,
        live: clock.mode === "live",
      });
    });
  }, []);
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

/** What is over and short fills the band. */
function fitting(window: number, now: number, coverage: Coverage): number {
  return Math.max(30_000, Math.min(window, now - (coverage.span?.[0] ?? -Infinity)));
}

function Time() {
  const now = reading.value;
  const link = now?.link;
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
      <time>{clockTime(instant.value, true)}</time>
      <p class={`age ${link?.kind === "late" ? "loss" : ""}`}>
        {lost ? "the clock stands" : age || "\u00a0"}
      </p>
    </div>
  );
}

/** Only a change of mode is spoken, never telemetry. */
const SPOKEN: Readonly<Record<LinkKind, string>> = {
  none: "Waiting",
  live: "Live",
  late: "Live, late",
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
