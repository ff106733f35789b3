import { useEffect, useRef } from "preact/hooks";
import { calendarDay, hourMinute, lapTime } from "../core/figures";
import { choose } from "../store/feed";
import * as wall from "../store/wall";
import type { Session, SessionSummary } from "../wire";
import { menuOpen } from "./keyboard";

export function SessionMenu() {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const away = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) menuOpen.value = false;
    };
    addEventListener("pointerdown", away);
    return () => removeEventListener("pointerdown", away);
  }, []);
  const session = wall.drivers.value.map((driver) => driver.session.value).find(Boolean);
  const name = placeOf(session) || wall.chosenSession.value || "No session yet";
  return (
    <div class="chooser" ref={box}>
      <button
        aria-haspopup="true"
        aria-expanded={menuOpen.value}
        onClick={() => (menuOpen.value = !menuOpen.value)}
      >
        <span>{name}</span>
        <svg
          width="10"
          height="6"
          viewBox="0 0 10 6"
          fill="none"
          stroke="currentColor"
          stroke-width="1.75"
          stroke-linecap="round"
          aria-hidden="true"
        >
          <path d="M1 1l4 4 4-4" />
        </svg>
      </button>
      {menuOpen.value && (
        <div class="menu" role="group" aria-label="Sessions">
          {(wall.sessions.value ?? []).map((session) => (
            <Entry key={session.session} session={session} />
          ))}
          {!wall.sessions.value?.length && <p class="ink-3">No session is stored yet.</p>}
        </div>
      )}
    </div>
  );
}

function Entry({ session }: { session: SessionSummary }) {
  const first = session.drivers[0];
  const began = first?.from_ns ? first.from_ns / 1e6 : NaN;
  const best = Math.min(...session.drivers.map((driver) => driver.best_lap_time_s ?? Infinity));
  const pick = () => {
    menuOpen.value = false;
    wall.chosenName.value = "";
    choose(session.session);
  };
  return (
    <button aria-current={session.session === wall.chosenSession.value} onClick={pick}>
      <b>{(first?.session && placeOf(wall.wholeSession(first.session))) || session.session}</b>
      <span class="ink-2">{Number.isFinite(best) ? lapTime(best) : ""}</span>
      <span class="small ink-3">
        {Number.isFinite(began) ? `${calendarDay(began)}, ${hourMinute(began)} · ` : ""}
        {session.drivers.map((driver) => driver.driver).join(", ")}
      </span>
      <span class="small ink-3">
        {counted(session.drivers.reduce((sum, driver) => sum + driver.laps, 0))}
      </span>
    </button>
  );
}

function counted(laps: number): string {
  return laps === 1 ? "1 lap" : `${laps} laps`;
}

const GAMES: Readonly<Record<string, string>> = {
  assetto: "Assetto Corsa",
  f1: "F1",
  gt7: "Gran Turismo 7",
  iracing: "iRacing",
  sim: "PitBox simulator",
};

/** Where a session is driven, or in which game, when the game does not name the track. */
export function placeOf(session: Session | null | undefined): string {
  return session ? titled(session.track) || gameOf(session) : "";
}

export function gameOf(session: Session): string {
  const game = GAMES[session.source] ?? session.source;
  const version = session.source_version;
  return version.startsWith(game) ? version : `${game} ${version}`.trim();
}

/** Write a sim's name of a track as a person would. */
export function titled(track: string): string {
  const spaced = track.replace(/[_-]+/g, " ");
  return spaced.replace(/(^| )\p{Ll}/gu, (letter) => letter.toUpperCase());
}
