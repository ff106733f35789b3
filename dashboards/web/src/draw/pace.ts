/** The pace: one dot per lap, hollow where it does not count, with reference and median as lines. */

import { clean, median } from "../core/lap/laps";
import type { Lap } from "../wire";
import { FONT, type Surface } from "./canvas";
import type { Palette } from "./palette";

const EDGE = 8;

export function drawPace(
  { context, width, height }: Surface,
  laps: readonly Lap[],
  reference: number,
  colours: Palette,
): void {
  const counted = laps.filter(clean).map((lap) => lap.lap_time_s ?? NaN);
  if (!counted.length) return;
  const middle = median(counted);
  const fastest = Math.min(...counted, Number.isFinite(reference) ? reference : Infinity);
  const reach = Math.max(
    0.5,
    middle - fastest,
    ...counted.map((time) => Math.min(3, time - middle)),
  );
  const y = (time: number) => {
    const place = height / 2 - ((time - middle) / reach) * (height / 2 - EDGE);
    return Math.min(height - 3, Math.max(5, place));
  };
  line(context, width, y(middle), colours["line-strong"], [2, 5]);
  context.font = `11px ${FONT}`;
  context.textAlign = "right";
  context.fillStyle = colours["ink-3"];
  if (Number.isFinite(reference))
    context.fillText("ref", width, y(reference) + (y(reference) < height / 2 ? 12 : -4));
  if (Number.isFinite(reference)) line(context, width, y(reference), colours.ref, []);
  const step = (width - 2 * EDGE - 24) / Math.max(8, laps.length - 1);
  laps.forEach((lap, i) => {
    context.beginPath();
    context.arc(EDGE + i * step, y(lap.lap_time_s ?? middle), 3.5, 0, 2 * Math.PI);
    context.fillStyle = clean(lap) ? colours["ink-2"] : colours.bg;
    context.fill();
    context.lineWidth = 1.5;
    context.strokeStyle = colours["ink-3"];
    if (!clean(lap)) context.stroke();
  });
}

function line(
  context: CanvasRenderingContext2D,
  width: number,
  y: number,
  colour: string,
  dash: number[],
): void {
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.setLineDash(dash);
  context.beginPath();
  context.moveTo(0, Math.round(y) + 0.5);
  context.lineTo(width, Math.round(y) + 0.5);
  context.stroke();
  context.setLineDash([]);
}
