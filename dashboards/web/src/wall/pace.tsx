import { useEffect, useRef } from "preact/hooks";
import { lapTime } from "../core/figures";
import { noticeOf, share } from "../core/samples/healing";
import { goneMs } from "../core/samples/holes";
import { lostWords } from "../core/link/link-state";
import { clean, finished, median } from "../core/lap/laps";
import { drawPace } from "../draw/pace";
import { palette } from "../draw/palette";
import { reading } from "../store/reading";
import * as wall from "../store/wall";
import { BrokenLinkIcon } from "../ui/icons";

const SHOWN = 20;

/** The pace of the last laps; while a link is lost or a hole is filling, that instead. */
export function Pace() {
  const driver = wall.chosen.value;
  const healing = driver?.healing.value;
  if (driver && reading.value?.link.kind === "lost") return <LostNotice />;
  if (driver && healing && (healing.wholeMs > 1000 || healing.healedMs !== null))
    return <HoleNotice />;
  return <PaceChart />;
}

function PaceChart() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const driver = wall.chosen.value;
  const laps = (driver?.laps.value ?? []).filter(finished).slice(-SHOWN);
  const reference = driver?.reference.value?.lap.lap_time_s ?? NaN;
  const colours = palette.value;
  useEffect(() => {
    if (canvas.current) drawPace(canvas.current, laps, reference, colours);
  });
  const times = laps.filter(clean).map((lap) => lap.lap_time_s ?? NaN);
  const span = laps.length
    ? `laps ${laps[0].lap_number} to ${laps[laps.length - 1].lap_number}`
    : "";
  return (
    <section class="pace" aria-label="Pace">
      <header class="label">
        <span>
          {times.length
            ? `Pace, ${span} · median ${lapTime(median(times), 1)}`
            : "Pace, from the first clean lap on"}
        </span>
        {times.length > 0 && laps.some((lap) => !clean(lap)) && <span>hollow: does not count</span>}
      </header>
      <canvas ref={canvas} aria-hidden="true" />
    </section>
  );
}

function LostNotice() {
  const now = reading.value;
  return (
    <section class="notice alarm" aria-label="Link lost">
      <span class="unseen" role="alert">
        Link to {wall.chosen.value?.name} lost
      </span>
      <BrokenLinkIcon />
      <p>{lostWords(wall.chosen.value?.name ?? "", now?.quietMs ?? NaN)}</p>
    </section>
  );
}

function HoleNotice() {
  const driver = wall.chosen.value;
  const healing = driver?.healing.value;
  if (!driver || !healing || !reading.value) return null;
  const notice = noticeOf(healing, driver.name, performance.now(), goneMs(driver.coverage.value));
  return (
    <section class="notice" aria-label="Hole">
      <span class="unseen" role="status">
        {notice.head}
      </span>
      <svg
        width="18"
        height="18"
        viewBox="0 0 18 18"
        fill="none"
        stroke="currentColor"
        stroke-width="1.25"
        aria-hidden="true"
      >
        <rect x="1" y="1" width="16" height="16" rx="4" />
        <path d="M1 12L12 1M3 17L17 3M9 17l8-8" />
      </svg>
      <p>
        <b>{notice.head}</b> {notice.rest}
      </p>
      <div class="bar">
        <i style={{ width: `${share(healing) * 100}%` }} />
      </div>
      <span class="ink">{notice.progress}</span>
    </section>
  );
}
