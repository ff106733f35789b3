import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Band } from "../draw/bands";
import { TRACED } from "../core/lap/driven-lap";
import { fixed, gearName, lapTime, percent, signed } from "../core/figures";
import { LapGrid } from "../core/lap/lap-grid";
import { stoppedWords } from "../core/link/link-state";
import { TraceChart, type TraceScene } from "../draw/traces";
import { socket } from "../store/feed";
import { paint } from "../store/frames";
import { inspected, reading, tracedAt, type Traced } from "../store/reading";
import * as wall from "../store/wall";
import { held, sense } from "./answers";
import { escapes } from "./keyboard";

const NO_BANDS: ReadonlyMap<string, Band> = new Map();

export function Traces() {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<TraceChart | null>(null);
  const bands = useSignal(NO_BANDS);
  const driver = wall.chosen.value;
  const compared = driver?.reference.value?.axis.kind === "distance";

  useEffect(() => {
    const box = host.current;
    if (!box) return;
    const traces = new TraceChart(box, compared, (point) => (inspected.value = point));
    chart.current = traces;
    const sized = new ResizeObserver(() => {
      traces.resize(box.clientWidth, box.clientHeight);
      bands.value = traces.bands;
    });
    sized.observe(box);
    const stop = paint(() => drawNow(traces));
    const restore = escapes.subscribe(() => traces.restore());
    return () => {
      stop();
      restore();
      sized.disconnect();
      traces.destroy();
      inspected.value = null;
    };
  }, [compared]);

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

/** Axes without a lap. */
const EMPTY: TraceScene = {
  ours: new LapGrid(5000, TRACED.length),
  reference: null,
  kind: "distance",
  sectors: [],
  pale: false,
};

function drawNow(traces: TraceChart): void {
  const driver = wall.chosen.peek();
  if (!driver?.lap) return traces.draw(EMPTY);
  const reference = driver.reference.peek();
  const fits = reference?.axis.length === driver.lap.axis.length;
  traces.draw({
    ours: driver.lap.grid,
    reference: reference && fits ? reference.grid : null,
    kind: driver.lap.axis.kind,
    sectors: reference?.sectors ?? [],
    pale: driver.standing !== null,
  });
}

function Head({ compared }: { compared: boolean }) {
  const now = reading.value;
  const driver = wall.chosen.value;
  const lap = driver?.reference.value?.lap;
  const number = now && Number.isFinite(now.lapNumber) ? `Lap ${now.lapNumber}, ` : "";
  const still = stillWords();
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
  const now = reading.value;
  const driver = wall.chosen.value;
  const point = inspected.value;
  if (!now || !driver) return null;
  const shown: Traced = point === null ? now : tracedAt(driver, point);
  const at = (key: string, shift = 0) => ({ top: `${middle(bands.get(key), key) + shift}px` });
  const flow = point === null ? held() : "";
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

/** What an empty chart says. */
function Waiting() {
  const driver = wall.chosen.value;
  let words = "";
  if (socket.state.value.kind === "lost") return null;
  if (!driver) {
    words = wall.sessions.value === null ? "Asking for sessions." : FIRST;
  } else if (reading.value?.link.kind === "none") {
    words = `Waiting for ${wall.carName(driver)}. Last seen: never.`;
  }
  return words ? <p class="waiting">{words}</p> : null;
}

/** Why the car's values do not move. */
function stillWords(): string {
  const driver = wall.chosen.value;
  const now = reading.value;
  if (!driver || !now) return "";
  if (["stale", "silent", "closed"].includes(now.link.kind)) return now.link.words;
  if (driver.standing === null || now.link.kind === "recorded") return "";
  return stoppedWords(driver.name, driver.standing + driver.offsetMs, now.inPits);
}
