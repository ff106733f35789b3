import { fixed, lapTime, UNKNOWN } from "../core/figures";
import { gapSeconds, progressAt } from "../core/lap/gaps";
import { bestLap, lastLap } from "../core/lap/laps";
import { stopped, type LinkKind } from "../core/link/link-state";
import { gameOf, leftOut, titled } from "../core/session";
import { useStore, useView } from "../store/context";
import type { Driver } from "../store/driver";
import { wholeSecond } from "../store/reading";
import type { View } from "../store/view";
import { MapView } from "./map-view";
import { Relatives } from "./relatives";

export function RaceColumn() {
  return (
    <section class="race" aria-label="Race">
      <Place />
      <Relatives />
      <Rivals />
      <MapView />
      <Facts />
    </section>
  );
}

function Place() {
  const view = useView();
  const now = view.reading.value;
  const lap = now && Number.isFinite(now.lapNumber) ? String(now.lapNumber) : UNKNOWN;
  const ranked = now && now.position > 0;
  return (
    <div class="place">
      <h2 class="label">{ranked ? "Position" : "Lap"}</h2>
      <p class="hero">
        {ranked ? `P${now.position}` : lap}
        <span class="unit">
          {ranked ? `lap ${lap}` : driven(view.chosen.value, now?.link.kind)}
        </span>
      </p>
    </div>
  );
}

function driven(driver: Driver | null, kind: LinkKind | undefined): string {
  if (!driver) return "";
  const over = kind === "recorded" || kind === "closed";
  return over ? `${driver.name} drove` : `${driver.name} is driving`;
}

function Rivals() {
  const { race } = useStore();
  const view = useView();
  const chosen = view.chosen.value;
  const drivers = race.drivers.value;
  const second = wholeSecond(view.reading.value?.t ?? NaN);
  if (!drivers.length) return null;
  return (
    <table class="rivals">
      <thead>
        <tr>
          <th scope="col">Car</th>
          <th scope="col">Driver</th>
          <th scope="col" class="number">
            Best
          </th>
          <th scope="col" class="number">
            Last
          </th>
          <th scope="col" class="number" title="On track, from the samples of both cars">
            Gap s
          </th>
        </tr>
      </thead>
      <tbody>
        {drivers.map((driver) => (
          <tr
            key={driver.name}
            aria-current={driver === chosen}
            onClick={() => (view.chosenName.value = driver.name)}
          >
            <td>{driver.session.value?.car ? `#${driver.session.value.car}` : UNKNOWN}</td>
            <td>
              <button>{driver.name}</button>
            </td>
            <td class="number">{lapTime(bestLap(driver.laps.value)?.lap_time_s, 1)}</td>
            <td class="number">{lapTime(lastLap(driver.laps.value)?.lap_time_s, 1)}</td>
            <td class="number">{driver === chosen ? "us" : gapText(view, driver, second)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Return the gap to another car in seconds; minus means that it is ahead of us. */
function gapText(view: View, other: Driver, t: number): string {
  const us = view.chosen.peek();
  const length = us?.session.peek()?.track_length_m;
  const halted = [us, other].some(
    (driver) => driver && stopped(view.links.peek().get(driver)?.kind),
  );
  if (!us || !length || halted || other.session.peek()?.track !== us.session.peek()?.track)
    return UNKNOWN;
  const [here, there] = [t - us.offsetMs, t - other.offsetMs];
  const ahead = gapSeconds(other.fast, there, progressAt(us.fast, here, length), length);
  if (Number.isFinite(ahead)) return fixed(-ahead, 1);
  const behind = gapSeconds(us.fast, here, progressAt(other.fast, there, length), length);
  return Number.isFinite(behind) ? `+${fixed(behind, 1)}` : UNKNOWN;
}

function Facts() {
  const session = useView().chosen.value?.session.value;
  if (!session) return <div class="facts" />;
  const km =
    session.track_length_m === null ? "" : ` · ${fixed(session.track_length_m / 1000, 2)} km`;
  return (
    <dl class="facts">
      <dt>Track</dt>
      <dd>{session.track ? titled(session.track) + km : UNKNOWN}</dd>
      <dt>Car</dt>
      <dd>{session.car_model || UNKNOWN}</dd>
      <dt>Game</dt>
      <dd>{gameOf(session)}</dd>
      {session.left_out.length > 0 && (
        <>
          <dt>Left out</dt>
          <dd>{leftOut(session)}</dd>
        </>
      )}
    </dl>
  );
}
