/** Pieces that all canvases share: sharp pixels, the page's type, and the hatching of holes. */

export const FONT =
  '"Segoe UI","SF Pro Text",-apple-system,BlinkMacSystemFont,Roboto,"Helvetica Neue","Liberation Sans",Arial,sans-serif';

/** A canvas to draw on, in CSS px. */
export interface Surface {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
}

/** Fit a canvas to its box and the device's pixels, and clear it; null without a 2D context. */
export function cleared(canvas: HTMLCanvasElement, ratio = devicePixelRatio): Surface | null {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const [pixelWidth, pixelHeight] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== pixelWidth || canvas.height !== pixelHeight) {
    canvas.width = pixelWidth;
    canvas.height = pixelHeight;
  }
  const context = canvas.getContext("2d");
  if (!context) return null;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Fill a box with the hatching that means "no samples here". */
export function hatch(
  context: CanvasRenderingContext2D,
  { left, top, width, height }: Box,
  colour: string,
  scale = 1,
): void {
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  context.strokeStyle = colour;
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
