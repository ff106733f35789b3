/** A session's facts and the words for them: pure. */

import { SESSION_DEFAULTS, type LeftOut, type SentSession, type Session } from "../wire";

const GAMES: Readonly<Record<string, string>> = {
  assetto: "Assetto Corsa",
  f1: "F1",
  gt7: "Gran Turismo 7",
  iracing: "iRacing",
  sim: "PitBox simulator",
};

/** Add the defaults of fields that were not sent. */
export function wholeSession(sent: SentSession): Session {
  return { ...SESSION_DEFAULTS, ...sent };
}

/** Return a session's track, or its game where the game does not name the track. */
export function placeOf(session: Session | null | undefined): string {
  return session ? titled(session.track) || gameOf(session) : "";
}

export function gameOf(session: Session): string {
  const game = GAMES[session.source] ?? session.source;
  const version = session.source_version;
  return version.startsWith(game) ? version : `${game} ${version}`.trim();
}

/** Write a track's id as a person would; a name with a capital letter is written so already. */
export function titled(track: string): string {
  if (/\p{Lu}/u.test(track)) return track;
  const spaced = track.replace(/[_-]+/g, " ");
  return spaced.replace(/(^| )\p{Ll}/gu, (letter) => letter.toUpperCase());
}

const LEFT_OUT: Readonly<Record<LeftOut["reason"], readonly [one: string, more: string]>> = {
  incomplete: ["packet with a part missing", "packets with a part missing"],
  other_game: ["packet of another game", "packets of another game"],
  unknown: ["packet of an unknown kind", "packets of an unknown kind"],
  late: ["packet that came late or twice", "packets that came late or twice"],
  kernel_full: ["packet that the system dropped", "packets that the system dropped"],
  inbox_full: ["packet that the busy PC did not read", "packets that the busy PC did not read"],
  header: ["missing session header", "missing session headers"],
  row: ["damaged row of the file", "damaged rows of the file"],
  channel: ["column that is not used", "columns that are not used"],
  value: ["value that is no number", "values that are no numbers"],
};

/** Write what the driver's PC received and could not use: "312 packets of an unknown kind". */
export function leftOut(session: Session): string {
  return session.left_out
    .map(({ reason, count, about }) => {
      const words = LEFT_OUT[reason][count === 1 ? 0 : 1];
      return `${count.toLocaleString("en")} ${words}${about && ` (${about})`}`;
    })
    .join(", ");
}
