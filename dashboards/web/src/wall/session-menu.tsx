import { useEffect, useRef } from "preact/hooks";
import { calendarDay, hourMinute, lapTime } from "../core/figures";
import { placeOf, wholeSession } from "../core/session";
import { useStore, useView } from "../store/context";
import { ChevronIcon } from "../ui/icons";
import type { SessionSummary } from "../wire";
import { SessionDeletion } from "./session-deletion";

export function SessionMenu() {
  const { race, sessions, sheets } = useStore();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const away = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) sheets.sessions.value = false;
    };
    addEventListener("pointerdown", away);
    return () => removeEventListener("pointerdown", away);
  }, []);
  const session = race.drivers.value.map((driver) => driver.session.value).find(Boolean);
  const name = placeOf(session) || race.session.value || "No session yet";
  return (
    <div class="chooser" ref={box}>
      <button
        aria-haspopup="true"
        aria-expanded={sheets.sessions.value}
        onClick={() => (sheets.sessions.value = !sheets.sessions.value)}
      >
        <span>{name}</span>
        <ChevronIcon />
      </button>
      {sheets.sessions.value && (
        <div class="menu" role="group" aria-label="Sessions">
          {(sessions.list.value ?? []).map((session) => (
            <Entry key={session.session} session={session} />
          ))}
          {!sessions.list.value?.length && <p class="ink-3">No session is stored yet.</p>}
          {sessions.next.value && (
            <button onClick={() => void sessions.more()}>Show older sessions</button>
          )}
          <SessionDeletion />
        </div>
      )}
    </div>
  );
}

function Entry({ session }: { session: SessionSummary }) {
  const store = useStore();
  const view = useView();
  const first = session.drivers[0];
  const began = first?.from_ns ? first.from_ns / 1e6 : NaN;
  const best = Math.min(...session.drivers.map((driver) => driver.best_lap_time_s ?? Infinity));
  const pick = () => {
    store.sheets.sessions.value = false;
    view.chosenName.value = "";
    store.follow(session.session);
  };
  return (
    <button aria-current={session.session === store.race.session.value} onClick={pick}>
      <b>{(first?.session && placeOf(wholeSession(first.session))) || session.session}</b>
      <span class="ink-2">{Number.isFinite(best) ? lapTime(best) : ""}</span>
      <span class="small ink-3">
        {Number.isFinite(began) ? `${calendarDay(began)}, ${hourMinute(began)} · ` : ""}
        {session.drivers.map((driver) => driver.driver).join(", ")}
      </span>
      <span class="small ink-3">
        {counted(session.drivers.reduce((sum, driver) => sum + driver.laps, 0))}
        {session.pinned && " · kept"}
      </span>
    </button>
  );
}

function counted(laps: number): string {
  return laps === 1 ? "1 lap" : `${laps} laps`;
}
