import type { ComponentChildren } from "preact";
import { fixed, lapTime, signed, UNKNOWN } from "../core/figures";
import { bestLap, clean, lastLap, median, remark } from "../core/lap/laps";
import { stopped } from "../core/link/link-state";
import { useView } from "../store/context";
import type { Reading } from "../store/reading";

/** The big numbers: delta to the reference, laps of fuel, last lap. */
export function Answers() {
  return (
    <div class="answers">
      <Delta />
      <Fuel />
      <Last />
    </div>
  );
}

function Delta() {
  const view = useView();
  const now = view.reading.value;
  const driver = view.chosen.value;
  const reference = driver?.reference.value;
  const delta = now?.delta ?? NaN;
  const known = Number.isFinite(delta);
  const counts = now?.lapCounts ?? true;
  const heading = known ? (reference?.lap.lap_time_s ?? NaN) + delta : NaN;
  const lap = now && Number.isFinite(now.lapNumber) ? `Lap ${now.lapNumber}` : "Lap";
  return (
    <div>
      <h2 class="label">{lap} against reference</h2>
      <p class={`hero ${counts ? sense(delta, 0.005) : "ink-3"} ${held(now)}`}>
        {signed(delta, 2)}
        <span class="unit">{known ? "s" : reference || !driver ? "" : "needs 1 clean lap"}</span>
      </p>
      <Pairs>
        <dt>Heading for</dt>
        <dd>
          <b>{lapTime(heading)}</b>
          {!counts && <span class="ink-3"> lap does not count</span>}
        </dd>
        <dt>Reference</dt>
        <dd>
          {reference
            ? `${lapTime(reference.lap.lap_time_s)} lap ${reference.lap.lap_number}`
            : UNKNOWN}
        </dd>
      </Pairs>
    </div>
  );
}

function Fuel() {
  const view = useView();
  const now = view.reading.value;
  const driver = view.chosen.value;
  const perLap = driver?.fuelPerLap.value ?? NaN;
  const fuel = now?.fuel ?? NaN;
  const laps = fuel / perLap;
  const unit = now?.fuelUnit ?? "L";
  const unknown = driver?.slow.length ? "not sent by the game" : "";
  const missing = Number.isFinite(fuel) ? "needs 1 clean lap" : unknown;
  return (
    <div>
      <h2 class="label">Fuel</h2>
      <p class={`hero ${held(now)}`}>
        {fixed(laps, 1)}
        <span class="unit">{Number.isFinite(laps) ? "laps" : missing}</span>
      </p>
      <Pairs>
        <dt>In tank</dt>
        <dd>{withUnit(fuel, 1, unit)}</dd>
        <dt>Per lap</dt>
        <dd>{withUnit(perLap, 2, unit)}</dd>
      </Pairs>
    </div>
  );
}

function Last() {
  const laps = useView().chosen.value?.laps.value ?? [];
  const last = lastLap(laps);
  const best = bestLap(laps);
  const times = laps.filter(clean).map((lap) => lap.lap_time_s ?? NaN);
  const aside = last ? remark(last) : "";
  return (
    <div>
      <h2 class="label">
        {last ? `Last lap, ${last.lap_number}` : "Last lap"}
        {aside && ` · ${aside}`}
      </h2>
      <p class={aside ? "hero ink-3" : "hero"}>{lapTime(last?.lap_time_s)}</p>
      <Pairs>
        <dt>Best</dt>
        <dd>{best ? `${lapTime(best.lap_time_s)} lap ${best.lap_number}` : UNKNOWN}</dd>
        <dt>Median</dt>
        <dd>{times.length ? `${lapTime(median(times))} of ${times.length}` : UNKNOWN}</dd>
      </Pairs>
    </div>
  );
}

function Pairs({ children }: { children: ComponentChildren }) {
  return <dl class="pairs">{children}</dl>;
}

function withUnit(value: number, digits: number, unit: string): string {
  const text = fixed(value, digits);
  return text === UNKNOWN ? text : `${text} ${unit}`;
}

/** Return the class of values that are held because their link stopped. */
export function held(reading: Reading | null): string {
  return stopped(reading?.link.kind) ? "held" : "";
}

/** Return the class of a difference: negative is ahead, so a gain. */
export function sense(seconds: number, threshold: number): string {
  if (!(Math.abs(seconds) >= threshold)) return "";
  return seconds < 0 ? "gain" : "loss";
}
