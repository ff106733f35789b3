/** The scenery of the traces: lines, labels, sectors, holes, and the playhead. */

import { fixed, signed } from "../core/figures";
import type { LapGrid, Points, Stretch } from "../core/lap/lap-grid";
import { FONT, hatch, type Box } from "./canvas";
import type { Palette } from "./palette";
import type { Scale, TraceRow } from "./trace-rows";

/** The part of a uPlot chart that the scenery is drawn on, in device px. */
export interface Plot {
  readonly ctx: CanvasRenderingContext2D;
  readonly bbox: Box;
  /** Return the px of a value on a scale. */
  valToPos(value: number, scale: string, canvasPixels: true): number;
}

export function drawScales(
  chart: Plot,
  rows: readonly TraceRow[],
  scales: ReadonlyMap<string, Scale>,
  colours: Palette,
  ratio: number,
): void {
  const { ctx } = chart;
  ctx.save();
  ctx.lineWidth = ratio;
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  ctx.font = `${11 * ratio}px ${FONT}`;
  for (const row of rows) {
    for (const tick of scales.get(row.key)?.ticks ?? []) drawTick(chart, row, tick, colours, ratio);
    if (row.key === "pedals") drawLevel(chart, 0, row.key, colours["line-strong"]);
  }
  ctx.restore();
}

export function drawSectors(
  chart: Plot,
  ends: readonly number[],
  colours: Palette,
  ratio: number,
): void {
  const { ctx } = chart;
  ctx.save();
  ctx.lineWidth = ratio;
  ctx.setLineDash([2 * ratio, 4 * ratio]);
  for (const x of ends) drawUpright(chart, x, colours["line-strong"]);
  ctx.restore();
}

export function drawHoles(
  chart: Plot,
  holes: readonly Stretch[],
  colours: Palette,
  ratio: number,
): void {
  const { ctx, bbox } = chart;
  for (const [from, to] of holes) {
    const [left, right] = [chart.valToPos(from, "x", true), chart.valToPos(to, "x", true)];
    const box = { left, top: bbox.top, width: Math.max(2, right - left), height: bbox.height };
    hatch(ctx, box, colours["line-strong"], ratio);
  }
}

/** Draw a line at the car's place, with a dot on its speed. */
export function drawPlayhead(
  chart: Plot,
  lap: LapGrid,
  speeds: Points,
  colours: Palette,
  ratio: number,
): void {
  const { ctx, bbox } = chart;
  const left = chart.valToPos(lap.position, "x", true);
  if (!(left >= bbox.left && left <= bbox.left + bbox.width + 1)) return;
  ctx.save();
  ctx.lineWidth = 1.5 * ratio;
  drawUpright(chart, lap.position, colours.ink);
  const speed = speeds[lap.head];
  if (speed != null) {
    ctx.beginPath();
    ctx.arc(left, chart.valToPos(speed, "speed", true), 4.5 * ratio, 0, 2 * Math.PI);
    ctx.fillStyle = colours.ink;
    ctx.strokeStyle = colours.bg;
    ctx.lineWidth = 2 * ratio;
    ctx.fill();
    ctx.stroke();
  }
  ctx.restore();
}

function drawTick(
  chart: Plot,
  row: TraceRow,
  value: number,
  colours: Palette,
  ratio: number,
): void {
  const { ctx, bbox } = chart;
  drawLevel(chart, value, row.key, colours.line);
  if (row.signed && !value) return; // the line of nought needs no label
  const text = row.signed ? signed(value, row.digits) : fixed(value, row.digits);
  ctx.fillStyle = colours["ink-3"];
  ctx.fillText(text, bbox.left - 8 * ratio, chart.valToPos(value, row.key, true));
}

function drawLevel(chart: Plot, value: number, row: string, colour: string): void {
  const { ctx, bbox } = chart;
  const y = Math.round(chart.valToPos(value, row, true)) + 0.5;
  ctx.strokeStyle = colour;
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
}

export function drawUpright(chart: Plot, x: number, colour: string): void {
  const { ctx, bbox } = chart;
  const left = chart.valToPos(x, "x", true);
  if (!(left >= bbox.left && left <= bbox.left + bbox.width + 1)) return;
  ctx.strokeStyle = colour;
  ctx.beginPath();
  ctx.moveTo(left, bbox.top);
  ctx.lineTo(left, bbox.top + bbox.height);
  ctx.stroke();
}
