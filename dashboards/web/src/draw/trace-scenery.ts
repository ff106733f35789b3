/** What stands behind and before the traces: lines, labels, sectors, holes, and where the car is. */

import uPlot from "uplot";
import { fixed, signed } from "../core/figures";
import type { LapGrid, Points, Stretch } from "../core/lap/lap-grid";
import { FONT, hatch } from "./canvas";
import { palette } from "./palette";
import type { Scale, TraceRow } from "./trace-rows";

export function drawScales(
  chart: uPlot,
  rows: readonly TraceRow[],
  scales: ReadonlyMap<string, Scale>,
): void {
  const { ctx } = chart;
  ctx.save();
  ctx.lineWidth = uPlot.pxRatio;
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  ctx.font = `${11 * uPlot.pxRatio}px ${FONT}`;
  for (const row of rows) {
    for (const tick of scales.get(row.key)?.ticks ?? []) drawTick(chart, row, tick);
    if (row.key === "pedals") drawLevel(chart, 0, row.key, palette.peek()["line-strong"]);
  }
  ctx.restore();
}

export function drawSectors(chart: uPlot, ends: readonly number[]): void {
  const { ctx } = chart;
  ctx.save();
  ctx.lineWidth = uPlot.pxRatio;
  ctx.setLineDash([2 * uPlot.pxRatio, 4 * uPlot.pxRatio]);
  for (const x of ends) drawUpright(chart, x, palette.peek()["line-strong"]);
  ctx.restore();
}

export function drawHoles(chart: uPlot, holes: readonly Stretch[]): void {
  const { ctx, bbox } = chart;
  for (const [from, to] of holes) {
    const [left, right] = [chart.valToPos(from, "x", true), chart.valToPos(to, "x", true)];
    hatch(ctx, left, bbox.top, Math.max(2, right - left), bbox.height, uPlot.pxRatio);
  }
}

/** Draw where the car is, with a dot on its speed. */
export function drawPlayhead(chart: uPlot, lap: LapGrid, speeds: Points): void {
  const { ctx, bbox } = chart;
  const [ratio, colours] = [uPlot.pxRatio, palette.peek()];
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

function drawTick(chart: uPlot, row: TraceRow, value: number): void {
  const { ctx, bbox } = chart;
  drawLevel(chart, value, row.key, palette.peek().line);
  if (row.signed && !value) return; // its line says it
  const text = row.signed ? signed(value, row.digits) : fixed(value, row.digits);
  ctx.fillStyle = palette.peek()["ink-3"];
  ctx.fillText(text, bbox.left - 8 * uPlot.pxRatio, chart.valToPos(value, row.key, true));
}

function drawLevel(chart: uPlot, value: number, row: string, colour: string): void {
  const { ctx, bbox } = chart;
  const y = Math.round(chart.valToPos(value, row, true)) + 0.5;
  ctx.strokeStyle = colour;
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
}

function drawUpright(chart: uPlot, x: number, colour: string): void {
  const { ctx, bbox } = chart;
  const left = chart.valToPos(x, "x", true);
  if (!(left >= bbox.left && left <= bbox.left + bbox.width + 1)) return;
  ctx.strokeStyle = colour;
  ctx.beginPath();
  ctx.moveTo(left, bbox.top);
  ctx.lineTo(left, bbox.top + bbox.height);
  ctx.stroke();
}
