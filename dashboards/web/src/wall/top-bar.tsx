import { fixed, UNKNOWN } from "../core/figures";
import { personOpen } from "../accounts/person";
import { switchTheme } from "../draw/palette";
import { choose } from "../store/feed";
import { links, reading } from "../store/reading";
import * as wall from "../store/wall";
import { HelpIcon, LogoIcon, PersonIcon, ThemeIcon } from "../ui/icons";
import { LinkDot } from "../ui/link-dot";
import { helpOpen } from "./keyboard";
import { SessionMenu } from "./session-menu";

export function TopBar() {
  return (
    <header class="top">
      <div class="brand">
        <LogoIcon />
        <h1>PitBox</h1>
        <SessionMenu />
      </div>
      <Cars />
      <div class="weather">
        <Weather />
        <span class="buttons">
          <button
            class="theme"
            aria-label="Dark or light (D)"
            title="Dark or light (D)"
            onClick={switchTheme}
          >
            <ThemeIcon />
          </button>
          <button
            class="help"
            aria-label="Keys (?)"
            title="Keys (?)"
            aria-expanded={helpOpen.value}
            onClick={() => (helpOpen.value = !helpOpen.value)}
          >
            <HelpIcon />
          </button>
          <button
            class="you"
            aria-label="You"
            title="You"
            aria-expanded={personOpen.value}
            onClick={() => (personOpen.value = !personOpen.value)}
          >
            <PersonIcon />
          </button>
        </span>
      </div>
    </header>
  );
}

function Cars() {
  const chosen = wall.chosen.value;
  return (
    <nav class="cars" role="tablist" aria-label="Cars of the session">
      {wall.drivers.value.map((driver, place) => (
        <button
          role="tab"
          key={driver.name}
          aria-selected={driver === chosen}
          title={`Shift ${place + 1}`}
          onClick={() => choose(wall.chosenSession.peek(), driver.name)}
        >
          {wall.carName(driver)}
          {driver.session.value?.car && <span> {driver.name}</span>}
          <LinkDot kind={links.value.get(driver)?.kind ?? "none"} quiet />
        </button>
      ))}
    </nav>
  );
}

function Weather() {
  const now = reading.value;
  if (!now) return null;
  const known = Number.isFinite(now.trackTemp) || Number.isFinite(now.airTemp);
  const kind = wall.chosen.value?.session.value?.kind ?? "unknown";
  return (
    <>
      {known && (
        <span class="air">
          track {degrees(now.trackTemp)} · air {degrees(now.airTemp)}
        </span>
      )}
      {kind !== "unknown" && <span class="strong">{KINDS[kind]}</span>}
    </>
  );
}

const KINDS = {
  practice: "Practice",
  qualifying: "Qualifying",
  race: "Race",
  time_trial: "Time trial",
  test: "Test",
  unknown: "",
} as const;

function degrees(value: number): string {
  const text = fixed(value, 0);
  return text === UNKNOWN ? text : `${text} °C`;
}
