/** What canvases share: sharp pixels, the page's type, and the hatching of holes. */

import { palette } from "./palette";

export const FONT =
  '"Segoe UI","SF Pro Text",-apple-system,BlinkMacSystemFont,Roboto,"Helvetica Neue","Liberation Sans",Arial,sans-serif';

/** Fit a canvas to its box and device pixels; return its context, scaled to CSS px. */
export function sharpened(canvas: HTMLCanvasElement): CanvasRenderingContext2D | null {
  const ratio = devicePixelRatio;
  const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio];
  if (canvas.width !== Math.round(width) || canvas.height !== Math.round(height)) {
    canvas.width = Math.round(width);
    canvas.height = Math.round(height);
  }
  const context = canvas.getContext("2d");
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

/** Fill a box with the hatching that means "no samples here". */
export function hatch(
  context: CanvasRenderingContext2D,
  left: number,
  top: number,
  width: number,
  height: number,
  scale = 1,
): void {
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  context.strokeStyle = palette.peek()["line-strong"];
  context.lineWidth = scale;
  context.beginPath();
  const step = 7 * scale;
  const first = Math.floor((left - height) / step) * step;
  for (let x = first; x < left + width; x += step) {
    context.moveTo(x, top + height);
    context.lineTo(x + height, top);
  }
  context.stroke();
  context.restore();
}
