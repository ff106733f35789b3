import { fixed, lapTime, UNKNOWN } from "../core/figures";
import { gapSeconds, progressAt } from "../core/lap/gaps";
import { bestLap, lastLap } from "../core/lap/laps";
import { stopped } from "../core/link/link-state";
import type { Driver } from "../store/driver";
import { choose } from "../store/feed";
import { links, reading, wholeSecond } from "../store/reading";
import * as wall from "../store/wall";
import { MapView } from "./map-view";
import { gameOf, titled } from "./session-menu";

export function RaceColumn() {
  return (
    <section class="race" aria-label="Where in the race">
      <Place />
      <Rivals />
      <MapView />
      <Facts />
    </section>
  );
}

function Place() {
  const now = reading.value;
  const lap = now && Number.isFinite(now.lapNumber) ? String(now.lapNumber) : UNKNOWN;
  const ranked = now && now.position > 0;
  return (
    <div class="place">
      <h2 class="label">{ranked ? "Position" : "Lap"}</h2>
      <p class="hero">
        {ranked ? `P${now.position}` : lap}
        <span class="unit">{ranked ? `lap ${lap}` : driven(wall.chosen.value)}</span>
      </p>
    </div>
  );
}

function driven(driver: Driver | null): string {
  if (!driver) return "";
  const kind = links.value.get(driver)?.kind;
  return kind === "recorded" || kind === "closed" ? `${driver.name} drove` : `${driver.name} is driving`;
}

function Rivals() {
  const now = reading.value;
  const chosen = wall.chosen.value;
  const drivers = wall.drivers.value;
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
            onClick={() => choose(wall.chosenSession.peek(), driver.name)}
          >
            <td>{driver.session.value?.car ? `#${driver.session.value.car}` : UNKNOWN}</td>
            <td>
              <button>{driver.name}</button>
            </td>
            <td class="number">{lapTime(bestLap(driver.laps.value)?.lap_time_s, 1)}</td>
            <td class="number">{lapTime(lastLap(driver.laps.value)?.lap_time_s, 1)}</td>
            <td class="number">
              {driver === chosen ? "us" : gapText(chosen, driver, wholeSecond(now?.t ?? NaN))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Minus: that car is ahead of us by so many seconds. */
function gapText(us: Driver | null, other: Driver, t: number): string {
  const length = us?.session.peek()?.track_length_m;
  const halted = [us, other].some((driver) => driver && stopped(links.peek().get(driver)?.kind));
  if (!us || !length || halted || other.session.peek()?.track !== us.session.peek()?.track)
    return UNKNOWN;
  const [here, there] = [t - us.offsetMs, t - other.offsetMs];
  const ahead = gapSeconds(other.fast, there, progressAt(us.fast, here, length), length);
  if (Number.isFinite(ahead)) return fixed(-ahead, 1);
  const behind = gapSeconds(us.fast, here, progressAt(other.fast, there, length), length);
  return Number.isFinite(behind) ? `+${fixed(behind, 1)}` : UNKNOWN;
}

function Facts() {
  const session = wall.chosen.value?.session.value;
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
    </dl>
  );
}
