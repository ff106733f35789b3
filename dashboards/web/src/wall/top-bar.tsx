import { fixed, UNKNOWN } from "../core/figures";
import type { LinkKind } from "../core/link/link-state";
import { personOpen } from "../accounts/person";
import { switchTheme } from "../draw/palette";
import { choose } from "../store/feed";
import { links, reading } from "../store/reading";
import * as wall from "../store/wall";
import { helpOpen } from "./keyboard";
import { SessionMenu } from "./session-menu";

export function TopBar() {
  return (
    <header class="top">
      <div class="brand">
        <Mark />
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

/** A dot for a link: filled while samples flow, dashed when they stopped; quiet says the normal by nothing. */
export function LinkDot({ kind, quiet }: { kind: LinkKind; quiet?: boolean }) {
  if (kind === "live" || kind === "late") return quiet ? null : <i class="dot" />;
  if (kind === "recorded" || kind === "closed" || kind === "none") return quiet ? null : <i class="dot hollow" />;
  return <i class="dot dashed" />;
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

function Mark() {
  return (
    <svg
      width="22"
      height="22"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <rect x="2" y="2" width="20" height="20" rx="6" />
      <path d="M6 13h2.5l2-6 3 10 2-4H18" />
    </svg>
  );
}

function ThemeIcon() {
  return (
    <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
      <circle cx="8" cy="8" r="6.25" fill="none" stroke="currentColor" stroke-width="1.5" />
      <path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor" />
    </svg>
  );
}

function PersonIcon() {
  return (
    <svg
      width="16"
      height="16"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      aria-hidden="true"
    >
      <circle cx="8" cy="5.4" r="2.9" />
      <path d="M2.5 14a5.5 5.5 0 0 1 11 0" />
    </svg>
  );
}

function HelpIcon() {
  return (
    <svg
      width="16"
      height="16"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      aria-hidden="true"
    >
      <circle cx="8" cy="8" r="6.25" />
      <path d="M6.2 6.3a1.85 1.85 0 1 1 2.6 1.7c-.6.3-.8.6-.8 1.2M8 11.4v.1" />
    </svg>
  );
}
