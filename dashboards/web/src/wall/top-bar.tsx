import { fixed, UNKNOWN } from "../core/figures";
import { useStore, useView } from "../store/context";
import { HelpIcon, LogoIcon, PersonIcon, ThemeIcon } from "../ui/icons";
import { LinkDot } from "../ui/link-dot";
import { SessionMenu } from "./session-menu";

export function TopBar() {
  const { sheets, theme } = useStore();
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
            onClick={() => theme.switch()}
          >
            <ThemeIcon />
          </button>
          <button
            class="help"
            aria-label="Keys (?)"
            title="Keys (?)"
            aria-expanded={sheets.help.value}
            onClick={() => (sheets.help.value = !sheets.help.value)}
          >
            <HelpIcon />
          </button>
          <button
            class="you"
            aria-label="You"
            title="You"
            aria-expanded={sheets.you.value}
            onClick={() => (sheets.you.value = !sheets.you.value)}
          >
            <PersonIcon />
          </button>
        </span>
      </div>
    </header>
  );
}

function Cars() {
  const { race } = useStore();
  const view = useView();
  const chosen = view.chosen.value;
  return (
    <nav class="cars" role="tablist" aria-label="Cars of the session">
      {race.drivers.value.map((driver, place) => (
        <button
          role="tab"
          key={driver.name}
          aria-selected={driver === chosen}
          title={`Shift ${place + 1}`}
          onClick={() => (view.chosenName.value = driver.name)}
        >
          {driver.carName.value}
          {driver.session.value?.car && <span> {driver.name}</span>}
          <LinkDot kind={view.links.value.get(driver)?.kind ?? "none"} quiet />
        </button>
      ))}
    </nav>
  );
}

function Weather() {
  const view = useView();
  const now = view.reading.value;
  if (!now) return null;
  const known = Number.isFinite(now.trackTemp) || Number.isFinite(now.airTemp);
  const kind = view.chosen.value?.session.value?.kind ?? "unknown";
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
