import { turn, worst } from "../core/coach";
import { fixed, lapTime, signed, UNKNOWN } from "../core/figures";
import { bestLap, clean, finished, remark } from "../core/lap/laps";
import { useView } from "../store/context";
import type { Lap, Passes } from "../wire";

const SHOWN = 200;

export function LapTable() {
  const driver = useView().chosen.value;
  const laps = driver?.laps.value ?? [];
  const best = bestLap(laps);
  const counted = laps.filter(clean).length;
  const sectors = Math.min(3, driver?.session.value?.sectors ?? 0);
  return (
    <>
      <header>
        <h2>{driver ? `Laps of ${driver.name}` : "Laps"}</h2>
        <span class="ink-2">
          {driver?.chunksBehind.value
            ? "Older laps are being derived"
            : counted
              ? `${counted} of ${laps.filter(finished).length} count`
              : ""}
        </span>
      </header>
      <div class="lapscroll" tabIndex={0} role="region" aria-label="Lap table">
        <table>
          <thead>
            <tr>
              <th scope="col">Lap</th>
              <th scope="col">Time</th>
              <th scope="col" class="number">
                to best
              </th>
              {Array.from({ length: sectors }, (_, i) => (
                <th key={i} scope="col" class="number sector">
                  S{i + 1}
                </th>
              ))}
              <th scope="col" class="number">
                Fuel
              </th>
              <th scope="col" class="number lost" title="The corner that lost most against the usual way">
                Lost at
              </th>
            </tr>
          </thead>
          <tbody>
            <Driving laps={laps} columns={sectors + 5} />
            {laps
              .filter(finished)
              .slice(-SHOWN)
              .reverse()
              .map((lap) => (
                <Row
                  key={lap.lap_number}
                  lap={lap}
                  best={best}
                  sectors={sectors}
                  passes={driver?.passes.value ?? []}
                />
              ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Driving({ laps, columns }: { laps: readonly Lap[]; columns: number }) {
  const now = useView().reading.value;
  const number = now?.lapNumber ?? NaN;
  const done = laps.some((lap) => lap.lap_number === number && finished(lap));
  if (!Number.isFinite(number) || done) {
    return laps.length ? null : (
      <tr>
        <td class="fold" colSpan={columns}>
          No lap yet.
        </td>
      </tr>
    );
  }
  return (
    <tr class="driving">
      <td>{number}</td>
      <td>{lapTime(now?.lapSeconds, 1)}</td>
      <td class="number ink-2">{now?.inPits ? "in the pits" : "now"}</td>
      <td colSpan={columns - 3} />
    </tr>
  );
}

interface RowOf {
  readonly lap: Lap;
  readonly best: Lap | null;
  readonly sectors: number;
  readonly passes: readonly Passes[];
}

function Row({ lap, best, sectors, passes }: RowOf) {
  const lost = worst(passes, lap.lap_number);
  const isBest = lap.lap_number === best?.lap_number;
  const behind = (lap.lap_time_s ?? NaN) - (best?.lap_time_s ?? NaN);
  const aside = remark(lap);
  const revised = lap.revision > 1 ? `rev ${lap.revision}` : "";
  const share = lap.complete ? "" : "samples are missing";
  const corner = lost ? `lost ${fixed(lost.lost, 2)} s in ${turn(lost.corner)}` : "";
  return (
    <tr
      class={isBest ? "best" : aside ? "aside" : ""}
      title={[revised, share, corner].filter(Boolean).join(", ")}
    >
      <td>{lap.lap_number}</td>
      <td>{lapTime(lap.lap_time_s, 3)}</td>
      <td class="number">{isBest ? "best" : aside || signed(behind, 2)}</td>
      {Array.from({ length: sectors }, (_, i) => (
        <td key={i} class="number sector">
          {fixed(lap.sectors_s[i], 2)}
        </td>
      ))}
      <td class="number">{lap.fuel_used === null ? UNKNOWN : fixed(lap.fuel_used, 2)}</td>
      <td class="number lost">{lost ? `${lost.corner} ${signed(lost.lost, 2)}` : ""}</td>
    </tr>
  );
}
