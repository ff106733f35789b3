import {
  causeWords,
  coachState,
  endedStint,
  evidenceOf,
  findingWords,
  incidentsOf,
  incidentWords,
  standing,
  turn,
  wholeFinding,
} from "../core/coach";
import { clockTime, fixed, lapTime } from "../core/figures";
import { useView } from "../store/context";
import type { Driver } from "../store/driver";
import type { Debrief, Moment } from "../wire";

/** The coach: its state in one line, and what was worth saying, the latest first. */
export function Coach() {
  const driver = useView().chosen.value;
  if (!driver) return null;
  const moments = driver.moments.value;
  const stint = endedStint(driver.debriefs.value);
  const incidents = incidentsOf(driver.passes.value);
  return (
    <section class="coach" aria-label="Coach">
      <header>
        <h2>Coach</h2>
        <span class="ink-2" aria-live="polite">
          {coachState(moments, driver.silences.value)}
        </span>
      </header>
      {stint && <Stint debrief={stint} />}
      {incidents.length > 0 && (
        <ul class="incidents" tabIndex={0} role="region" aria-label="Incidents">
          {incidents.map(({ lap, incident }) => (
            <li key={incident.at_ns}>
              <span class="ink-3">{clockTime(incident.at_ns / 1e6 + driver.offsetMs)}</span>
              <b>Lap {lap}</b>
              <span class="cause">{incidentWords(incident)}</span>
            </li>
          ))}
        </ul>
      )}
      <ul tabIndex={0} role="region" aria-label="Moments">
        {standing(moments).map((moment) => (
          <Item key={`${moment.car} ${moment.lap_number}`} moment={moment} driver={driver} />
        ))}
      </ul>
    </section>
  );
}

/** What the last stint shows, when the car came in. */
function Stint({ debrief }: { debrief: Debrief }) {
  const { lap_number: first, last_lap: last } = debrief;
  return (
    <details class="debrief" open>
      <summary>
        Stint of laps {first} to {last}: best {lapTime(debrief.best_lap_s)}, theoretical{" "}
        {lapTime(debrief.theoretical_best_s)}
      </summary>
      <ul>
        {debrief.findings.map(wholeFinding).map((finding) => (
          <li key={finding.corner}>
            <b>{turn(finding.corner)}</b> {findingWords(finding)}
          </li>
        ))}
      </ul>
      {debrief.findings.length === 0 && <p class="ink-3">No corner lost anything against its best.</p>}
    </details>
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
