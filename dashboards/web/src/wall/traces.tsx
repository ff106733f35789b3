import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { fixed, gearName, lapTime, percent, signed } from "../core/figures";
import { LapGrid } from "../core/lap/lap-grid";
import { stoppedWords } from "../core/link/link-state";
import { removedWords } from "../core/retention";
import { TRACED } from "../core/samples/channels";
import type { Band } from "../draw/bands";
import { TraceChart, type TraceScene } from "../draw/traces";
import { useStore, useView } from "../store/context";
import type { Driver } from "../store/driver";
import { tracedAt, type Reading, type Traced } from "../store/reading";
import type { View } from "../store/view";
import type { Moment } from "../wire";
import { held, sense } from "./answers";

const NO_BANDS: ReadonlyMap<string, Band> = new Map();

export function Traces() {
  const { loop, sheets, theme } = useStore();
  const view = useView();
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<TraceChart | null>(null);
  const bands = useSignal(NO_BANDS);
  const driver = view.chosen.value;
  const compared = driver?.reference.value?.axis.kind === "distance";

  useEffect(() => {
    const box = host.current;
    if (!box) return;
    const colours = () => theme.palette.peek();
    const inspect = (point: number | null) => (view.inspected.value = point);
    const traces = new TraceChart(box, compared, colours, inspect);
    chart.current = traces;
    const sized = new ResizeObserver(() => {
      traces.resize(box.clientWidth, box.clientHeight);
      bands.value = traces.bands;
    });
    sized.observe(box);
    const stop = loop.paint(() => drawNow(traces, view));
    const restore = sheets.escapes.subscribe(() => traces.restore());
    return () => {
      stop();
      restore();
      sized.disconnect();
      traces.destroy();
      view.inspected.value = null;
    };
  }, [compared, view]);

  const keys = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    chart.current?.inspect(step * (event.shiftKey ? 10 : 1));
  };
  return (
    <section class="traces" aria-label="Traces">
      <Head compared={compared} />
      <div class="plot">
        <div
          class="chart"
          ref={host}
          tabIndex={0}
          role="img"
          aria-label="Traces of the lap; left and right arrows read them"
          onKeyDown={keys}
          onBlur={() => chart.current?.leave()}
        />
        <Labels bands={bands.value} labels={chart.current?.rows ?? []} />
        <Gutter bands={bands.value} />
        <Waiting />
      </div>
    </section>
  );
}

/** The scene without a lap: axes only. */
const EMPTY: TraceScene = {
  ours: new LapGrid(5000, TRACED.length),
  reference: null,
  kind: "distance",
  sectors: [],
  pale: false,
  track: null,
  moment: null,
};

function drawNow(traces: TraceChart, view: View): void {
  const { driver, lap, standing } = view.driving ?? {};
  if (!driver || !lap) return traces.draw(EMPTY);
  const reference = driver.reference.peek();
  const fits = reference?.axis.length === lap.axis.length;
  traces.draw({
    ours: lap.grid,
    reference: reference && fits ? reference.grid : null,
    kind: lap.axis.kind,
    sectors: reference?.sectors ?? [],
    pale: standing !== null,
    track: lap.axis.kind === "distance" ? driver.track.peek() : null,
    moment: momentOf(view, driver),
  });
}

/** Return the moment that is chosen, if it is this driver's. */
function momentOf(view: View, driver: Driver): Moment | null {
  const moment = view.moment.peek();
  return moment?.driver === driver.name ? moment : null;
}

function Head({ compared }: { compared: boolean }) {
  const view = useView();
  const now = view.reading.value;
  const driver = view.chosen.value;
  const lap = driver?.reference.value?.lap;
  const number = now && Number.isFinite(now.lapNumber) ? `Lap ${now.lapNumber}, ` : "";
  const still = stillWords(view, now);
  return (
    <header>
      <h2>
        <b>
          {number}
          {driver?.name}
        </b>
        {now && <span class="ink-2">&ensp;{lapTime(now.lapSeconds, 1)}</span>}
        {still && <span class="ink-2">&ensp;{still}</span>}
      </h2>
      {compared && lap && !still && (
        <p class="key">
          <span class="reference">
            reference, lap {lap.lap_number} · {lapTime(lap.lap_time_s, 3)}
          </span>
          <span class="faster">faster</span>
          <span class="slower">slower</span>
        </p>
      )}
    </header>
  );
}

function Labels({
  bands,
  labels,
}: {
  bands: ReadonlyMap<string, Band>;
  labels: readonly { key: string; label: string }[];
}) {
  return (
    <>
      {labels.map(({ key, label }) => (
        <span key={key} class="rowlabel" style={{ top: `${middle(bands.get(key), key) - 8}px` }}>
          {label}
        </span>
      ))}
    </>
  );
}

function middle(band: Band | undefined, key: string): number {
  if (!band) return -99;
  return key === "speed" ? band.top + 8 : (band.top + band.bottom) / 2;
}

function Gutter({ bands }: { bands: ReadonlyMap<string, Band> }) {
  const view = useView();
  const now = view.reading.value;
  const point = view.inspected.value;
  if (!now || !view.driving) return null;
  const shown: Traced = point === null ? now : tracedAt(view.driving, point);
  const at = (key: string, shift = 0) => ({ top: `${middle(bands.get(key), key) + shift}px` });
  const flow = point === null ? held(now) : "";
  const row = (key: string, value: string, unit: string, look = "") =>
    bands.has(key) && (
      <p key={key} class="gutter" style={at(key, -16)}>
        <b class={`${look} ${flow}`}>{value}</b>
        {unit}
      </p>
    );
  return (
    <>
      <p class="gutter" style={at("speed", -6)}>
        <b class={`speed ${flow}`}>{fixed(shown.speed, 0)}</b>
        km/h, {gearName(shown.gear)}
      </p>
      {row("difference", signed(shown.difference, 1), "km/h", sense(-shown.difference, 0.5))}
      {row(
        "delta",
        signed(shown.delta, 3),
        shown.delta > 0 ? "behind" : "ahead",
        sense(shown.delta, 0.005),
      )}
      <p class="gutter pedals" style={at("pedals", -16)}>
        <b class={flow}>{percent(shown.throttle)}</b> throttle
        <br />
        <b class={flow}>{percent(shown.brake)}</b> brake
      </p>
      {row("steering", `${signed(shown.steering, 0)}°`, side(shown.steering))}
      {row("gear", gearName(shown.gear), "")}
      {row("rpm", fixed(shown.rpm, 0), "rpm")}
    </>
  );
}

function side(steering: number): string {
  if (!(Math.abs(steering) >= 0.5)) return "";
  return steering > 0 ? "left" : "right";
}

const FIRST = "Waiting for the first car. On the driver's PC: pitbox drive --source auto";

/** The words of an empty chart. */
function Waiting() {
  const { sessions, socket } = useStore();
  const view = useView();
  const driver = view.chosen.value;
  let words = "";
  if (socket.state.value.kind === "lost") return null;
  if (!driver) {
    words = sessions.list.value === null ? "Loading the sessions." : FIRST;
  } else if (driver.removedMs.value !== null && !driver.coverage.value.span) {
    words = removedWords(driver.removedMs.value);
  } else if (view.reading.value?.link.kind === "none") {
    words = `Waiting for ${driver.carName.value}. Last seen: never.`;
  }
  return words ? <p class="waiting">{words}</p> : null;
}

/** Return the reason for values that do not move, "" while they do. */
function stillWords(view: View, now: Reading | null): string {
  const { driver, standing } = view.driving ?? {};
  if (!driver || !now) return "";
  if (["stale", "silent", "closed"].includes(now.link.kind)) return now.link.words;
  if (standing == null || now.link.kind === "recorded") return "";
  return stoppedWords(driver.name, standing + driver.offsetMs, now.inPits);
}
