import { lapTime, signed, UNKNOWN } from "../core/figures";
import { named, relatives, type Relative } from "../core/cars";
import { useView } from "../store/context";
import { wholeSecond } from "../store/reading";

const EACH = 2;

/** The two cars ahead of ours in the race, ours, and the two behind. */
export function Relatives() {
  const view = useView();
  const driver = view.chosen.value;
  const second = wholeSecond(view.reading.value?.t ?? NaN);
  const rows = driver ? relatives(driver.cars.at(second - driver.offsetMs), EACH) : [];
  if (!driver || !rows.length) return null;
  const entries = driver.entries.value ?? [];
  return (
    <table class="rivals relatives">
      <thead>
        <tr>
          <th scope="col">Place</th>
          <th scope="col">Driver</th>
          <th scope="col" class="number">
            Last
          </th>
          <th scope="col" class="number" title="Behind us in the race; minus: ahead of us">
            Gap s
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => {
          const who = named(row.car, entries);
          return (
            <tr key={row.car} aria-current={row.own}>
              <td>{`P${row.position}`}</td>
              <td>{`#${who.number} ${who.driver}`.trim()}</td>
              <td class="number">{lapTime(row.lastLap, 1)}</td>
              <td class="number">{gapText(row)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function gapText(row: Relative): string {
  if (row.own) return "us";
  if (row.where === "track") return signed(row.behindUs, 1);
  return row.where === "pit" ? "in the pits" : row.where || UNKNOWN;
}
