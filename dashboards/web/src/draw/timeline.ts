/** Two bands of time: the last minutes with their laps, and the whole session below. */

import { clockTime, hourMinute, lapTime } from "../core/figures";
import { finished } from "../core/lap/laps";
import type { Coverage, Span } from "../core/samples/holes";
import type { Lap } from "../wire";
import { FONT, hatch, type Surface } from "./canvas";
import type { Palette } from "./palette";

export interface TimelineScene {
  /** All in ms by the driver's clock. */
  readonly now: number;
  readonly window: number;
  readonly coverage: Coverage;
  readonly laps: readonly Lap[];
  /** Added to the driver's clock to write times of day. */
  readonly offset: number;
  readonly live: boolean;
}

interface Strip {
  readonly from: number;
  readonly to: number;
  readonly left: number;
  readonly width: number;
  readonly top: number;
  readonly height: number;
}

const END_PX = 12;
const SHORT_MS = 10 * 60_000;

/** The tools that every part of the timeline draws with. */
interface Pen {
  readonly context: CanvasRenderingContext2D;
  readonly colours: Palette;
}

export function drawTimeline(surface: Surface, scene: TimelineScene, colours: Palette): void {
  const { context, width, height } = surface;
  const pen = { context, colours };
  const across = { left: 0, width: width - END_PX };
  const near = { from: scene.now - scene.window, to: scene.now, top: 20, height: 10, ...across };
  drawRecorded(pen, near, scene);
  drawLaps(pen, near, scene);
  drawLate(pen, near, scene.coverage.late);
  drawPlayhead(pen, near, scene.live);
  if (height < 60) return;
  const start = Math.min(scene.coverage.span?.[0] ?? scene.now, near.from);
  const race = { from: start, to: scene.now, top: height - 26, height: 8, ...across };
  if (start < near.from) drawLens(pen, near, race);
  drawRecorded(pen, race, scene);
  drawHours(pen, race, scene.offset);
}

function drawRecorded({ context, colours }: Pen, strip: Strip, scene: TimelineScene): void {
  const { top, height } = strip;
  context.fillStyle = colours.well;
  context.fillRect(strip.left, top, strip.width, height);
  const { span, holes } = scene.coverage;
  if (!span) return;
  const until = Math.min(span[1], scene.now);
  withinStrip(strip, [span[0], until], (left, width) => {
    context.fillStyle = colours.track;
    context.fillRect(left, top, width, height);
  });
  const open: Span[] = scene.live && scene.now - until > 1000 ? [[until, scene.now]] : [];
  for (const [from, to] of [...holes.map((hole) => [hole.from, hole.to] as const), ...open]) {
    withinStrip(strip, [from, to], (left, width) => {
      const wide = Math.max(2, width);
      context.fillStyle = colours.bg;
      context.fillRect(left, top, wide, height);
      hatch(context, { left, top, width: wide, height }, colours["line-strong"]);
      context.strokeStyle = colours["line-strong"];
      context.lineWidth = 1;
      context.strokeRect(left + 0.5, top + 0.5, wide - 1, height - 1);
    });
  }
}

function drawLate({ context, colours }: Pen, strip: Strip, spans: readonly Span[]): void {
  context.fillStyle = colours.ink;
  for (const span of spans) {
    withinStrip(strip, span, (left, width) => {
      context.fillRect(left, strip.top + strip.height - 3, Math.max(2, width), 2);
    });
  }
}

function drawLaps({ context, colours }: Pen, strip: Strip, scene: TimelineScene): void {
  context.textAlign = "left";
  context.textBaseline = "alphabetic";
  const starts = scene.laps.filter((lap) => lap.started_ns !== null);
  starts.forEach((lap, i) => {
    const from = Math.max((lap.started_ns ?? 0) / 1e6, strip.from);
    const to = (starts[i + 1]?.started_ns ?? Infinity) / 1e6;
    const left = placeOf(strip, from);
    const room = placeOf(strip, Math.min(to, strip.to)) - left;
    if (to <= strip.from || from > strip.to || room < 4) return;
    context.fillStyle = colours["ink-2"];
    if (from > strip.from) context.fillRect(left, 4, 1, strip.top + strip.height - 4);
    context.font = `12px ${FONT}`;
    const number = String(lap.lap_number);
    const wide = context.measureText(number).width;
    if (room < wide + 12) return;
    context.fillStyle = colours.ink;
    context.fillText(number, left + 6, 13);
    const time = finished(lap) ? lapTime(lap.lap_time_s, 1) : "";
    if (!time || room < wide + context.measureText(time).width + 22) return;
    context.fillStyle = lap.valid ? colours["ink-2"] : colours["ink-3"];
    context.fillText(time, left + 12 + wide, 13);
  });
}

function drawPlayhead({ context, colours }: Pen, strip: Strip, live: boolean): void {
  const right = strip.left + strip.width;
  context.fillStyle = live ? colours.ink : colours["ink-2"];
  context.fillRect(right - 1, strip.top - 14, 2, strip.height + 22);
  context.beginPath();
  context.arc(right, strip.top + strip.height / 2, 5.5, 0, 2 * Math.PI);
  context.fill();
}

/** Shade the part of the session that the near strip spans. */
function drawLens({ context, colours }: Pen, near: Strip, race: Strip): void {
  const left = placeOf(race, near.from);
  const right = race.left + race.width;
  context.fillStyle = colours.well;
  context.globalAlpha = 0.45;
  context.beginPath();
  context.moveTo(near.left, near.top + near.height + 10);
  context.lineTo(right, near.top + near.height + 10);
  context.lineTo(right, race.top - 3);
  context.lineTo(left, race.top - 3);
  context.fill();
  context.globalAlpha = 1;
}

function drawHours({ context, colours }: Pen, strip: Strip, offset: number): void {
  context.fillStyle = colours["ink-3"];
  context.font = `11px ${FONT}`;
  context.textBaseline = "alphabetic";
  const marks = 5;
  const words = strip.to - strip.from < SHORT_MS ? clockTime : hourMinute;
  for (let i = 0; i < marks; i++) {
    const at = strip.from + ((strip.to - strip.from) * i) / (marks - 1);
    context.textAlign = i === 0 ? "left" : i === marks - 1 ? "right" : "center";
    context.fillText(words(at + offset), placeOf(strip, at), strip.top + strip.height + 15);
  }
}

/** Draw the part of a span that lies within a strip. */
function withinStrip(strip: Strip, span: Span, draw: (left: number, width: number) => void): void {
  const from = Math.max(span[0], strip.from);
  const to = Math.min(span[1], strip.to);
  if (to < from) return;
  const left = placeOf(strip, from);
  draw(left, placeOf(strip, to) - left);
}

function placeOf(strip: Strip, at: number): number {
  return strip.left + (strip.width * (at - strip.from)) / (strip.to - strip.from);
}
