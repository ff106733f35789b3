/** Numbers as the wall writes them: true minus, reserved digits, and "–" for unknown values. */

export const UNKNOWN = "–";
const MINUS = "\u2212";

export function fixed(value: number | null | undefined, digits: number): string {
  if (value == null || !Number.isFinite(value)) return UNKNOWN;
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? MINUS + text : text;
}

/** Write a difference, always with its sign. */
export function signed(value: number | null | undefined, digits: number): string {
  const text = fixed(value, digits);
  const bare = text === UNKNOWN || text.startsWith(MINUS) || Number(text) === 0;
  return bare ? text : `+${text}`;
}

export function percent(ratio: number): string {
  return Number.isFinite(ratio) ? `${Math.round(ratio * 100)}%` : UNKNOWN;
}

/** Write a lap time, `1:47.22`. */
export function lapTime(seconds: number | null | undefined, digits = 2): string {
  if (seconds == null || !Number.isFinite(seconds)) return UNKNOWN;
  const unit = 10 ** digits;
  const units = Math.round(seconds * unit);
  const minutes = Math.floor(units / (60 * unit));
  const rest = (units - minutes * 60 * unit) / unit;
  return `${minutes}:${rest.toFixed(digits).padStart(digits ? digits + 3 : 2, "0")}`;
}

/** Write a duration, `0:42` or `1:05:31`. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return UNKNOWN;
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const tail = String(seconds % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** Write a short duration, `34 s` or `2:00`. */
export function brief(ms: number): string {
  return ms < 60_000 ? `${Math.max(1, Math.round(ms / 1000))} s` : duration(ms);
}

/** Write a time of day, `11:07:42`, or with tenths, `11:07:42.3`. */
export function clockTime(ms: number, tenths = false): string {
  if (!Number.isFinite(ms)) return UNKNOWN;
  const at = new Date(tenths ? Math.floor(ms / 100) * 100 : ms);
  const parts = [at.getHours(), at.getMinutes(), at.getSeconds()];
  const text = parts.map((part) => String(part).padStart(2, "0")).join(":");
  return tenths ? `${text}.${Math.floor(at.getMilliseconds() / 100)}` : text;
}

export function hourMinute(ms: number): string {
  return clockTime(ms).slice(0, 5);
}

export function calendarDay(ms: number): string {
  return new Date(ms).toLocaleDateString("en-GB", { day: "numeric", month: "short" });
}

export function gearName(gear: number): string {
  if (!Number.isFinite(gear)) return UNKNOWN;
  if (gear < 0) return "R";
  if (gear === 0) return "N";
  return ordinal(gear);
}

export function ordinal(number: number): string {
  const tens = number % 100;
  const ending = tens > 10 && tens < 14 ? "th" : (["th", "st", "nd", "rd"][number % 10] ?? "th");
  return `${number}${ending}`;
}
