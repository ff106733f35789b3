/** Corners above the traces, and the bracket of a moment with the places of its evidence. */

import { evidencePlaces } from "../core/coach";
import type { Corner, Moment } from "../wire";
import { FONT } from "./canvas";
import type { Palette } from "./palette";
import { drawUpright, type Plot } from "./trace-scenery";

/** Px from the top of the plot to the middle of the names, and between two of them. */
const NAME_PX = 8;
const BETWEEN_PX = 6;

/** Draw a line at each apex, with the corner's name above; a name without room is left out. */
export function drawCorners(
  chart: Plot,
  corners: readonly Corner[],
  scale: number,
  colours: Palette,
  ratio: number,
): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.lineWidth = ratio;
  ctx.font = `${11 * ratio}px ${FONT}`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillStyle = colours["ink-3"];
  let free = bbox.left - BETWEEN_PX * ratio;
  for (const { name, apex_m } of corners) {
    const left = chart.valToPos(apex_m * scale, "x", true);
    if (!(left >= bbox.left && left <= bbox.left + bbox.width)) continue;
    drawUpright(chart, apex_m * scale, colours.line);
    const half = ctx.measureText(name).width / 2;
    if (left - half < free + BETWEEN_PX * ratio) continue;
    ctx.fillText(name, left, bbox.top + NAME_PX * ratio);
    free = left + half;
  }
  ctx.restore();
}

/** Shade a moment's stretch, and draw lines where it was driven otherwise and the usual places. */
export function drawMoment(
  chart: Plot,
  moment: Moment,
  scale: number,
  colours: Palette,
  ratio: number,
): void {
  const { ctx, bbox } = chart;
  const px = (place: number) => {
    const left = chart.valToPos(place * scale, "x", true);
    return Math.min(Math.max(left, bbox.left), bbox.left + bbox.width);
  };
  const { from_m, to_m } = moment.where;
  ctx.save();
  ctx.fillStyle = colours.well;
  const over = from_m > to_m;
  const parts = over
    ? [[px(from_m), bbox.left + bbox.width] as const, [bbox.left, px(to_m)] as const]
    : [[px(from_m), px(to_m)] as const];
  for (const [left, right] of parts) ctx.fillRect(left, bbox.top, right - left, bbox.height);
  ctx.lineWidth = ratio;
  for (const place of [from_m, to_m]) drawUpright(chart, place * scale, colours["line-strong"]);
  const { driven, usual } = evidencePlaces(moment);
  ctx.setLineDash([4 * ratio, 3 * ratio]);
  for (const place of usual) drawUpright(chart, place * scale, colours.ref);
  ctx.setLineDash([]);
  ctx.lineWidth = 1.5 * ratio;
  for (const place of driven) drawUpright(chart, place * scale, colours["loss-fill"]);
  ctx.restore();
}
