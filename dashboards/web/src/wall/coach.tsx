import { causeWords, coachState, evidenceOf, standing, turn } from "../core/coach";
import { clockTime, fixed } from "../core/figures";
import { useView } from "../store/context";
import type { Driver } from "../store/driver";
import type { Moment } from "../wire";

/** The coach: its state in one line, and what was worth saying, the latest first. */
export function Coach() {
  const driver = useView().chosen.value;
  if (!driver) return null;
  const moments = driver.moments.value;
  return (
    <section class="coach" aria-label="Coach">
      <header>
        <h2>Coach</h2>
        <span class="ink-2" aria-live="polite">
          {coachState(moments, driver.silences.value)}
        </span>
      </header>
      <ul tabIndex={0} role="region" aria-label="Moments">
        {standing(moments).map((moment) => (
          <Item key={`${moment.car} ${moment.lap_number}`} moment={moment} driver={driver} />
        ))}
      </ul>
    </section>
  );
}

function Item({ moment, driver }: { moment: Moment; driver: Driver }) {
  const view = useView();
  const open = view.moment.value === moment;
  const choose = () => (view.moment.value = open ? null : moment);
  return (
    <li>
      <button aria-expanded={open} onClick={choose}>
        <span class="ink-3">{clockTime(moment.at_ns / 1e6 + driver.offsetMs)}</span>
        <b>
          {turn(moment.corner)}, lap {moment.lap_number}
        </b>
        <span class="loss number">+{fixed(moment.worth_s, 2)} s</span>
        <span class="cause">{causeWords(moment)}</span>
      </button>
      {open && (
        <dl>
          {moment.evidence.map(evidenceOf).map(({ label, value, usual }) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>
                <b>{value}</b>
              </dd>
              <dd class="ink-3">{usual}</dd>
            </div>
          ))}
        </dl>
      )}
    </li>
  );
}
