import { useEffect, useRef } from "preact/hooks";
import { lapTime } from "../core/figures";
import { clean, finished, median } from "../core/lap/laps";
import { lostWords } from "../core/link/link-state";
import { noticeOf, share } from "../core/samples/healing";
import { goneMs } from "../core/samples/holes";
import { cleared } from "../draw/canvas";
import { drawPace } from "../draw/pace";
import { useStore, useView } from "../store/context";
import { BrokenLinkIcon, HoleIcon } from "../ui/icons";

const SHOWN = 20;

/** The pace of the last laps; while the link is lost or a hole is filling, a notice instead. */
export function Pace() {
  const view = useView();
  const driver = view.chosen.value;
  const healing = driver?.healing.value;
  if (driver && view.reading.value?.link.kind === "lost") return <LostNotice />;
  if (driver && healing && (healing.wholeMs > 1000 || healing.healedMs !== null))
    return <HoleNotice />;
  return <PaceChart />;
}

function PaceChart() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const driver = useView().chosen.value;
  const laps = (driver?.laps.value ?? []).filter(finished).slice(-SHOWN);
  const reference = driver?.reference.value?.lap.lap_time_s ?? NaN;
  const colours = useStore().theme.palette.value;
  useEffect(() => {
    const surface = canvas.current && cleared(canvas.current);
    if (surface) drawPace(surface, laps, reference, colours);
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
  const view = useView();
  const name = view.chosen.value?.name ?? "";
  return (
    <section class="notice alarm" aria-label="Link lost">
      <span class="unseen" role="alert">
        Link to {name} lost
      </span>
      <BrokenLinkIcon />
      <p>{lostWords(name, view.reading.value?.quietMs ?? NaN)}</p>
    </section>
  );
}

function HoleNotice() {
  const view = useView();
  const driver = view.chosen.value;
  const healing = driver?.healing.value;
  if (!driver || !healing || !view.reading.value) return null;
  const notice = noticeOf(healing, driver.name, performance.now(), goneMs(driver.coverage.value));
  return (
    <section class="notice" aria-label="Hole">
      <span class="unseen" role="status">
        {notice.head}
      </span>
      <HoleIcon />
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
