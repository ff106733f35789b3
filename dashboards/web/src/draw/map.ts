/** The map: the track as it was driven, and the cars on it at the clock's instant. */

import { fit, placed, type Fit, type Outline } from "../core/lap/outline";
import { FONT, sharpened } from "./canvas";
import { faded, palette } from "./palette";

export interface MapCar {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly own: boolean;
  /** No samples for two seconds: it stays where it was seen last. */
  readonly lost: boolean;
}

type Place = readonly [left: number, top: number];

const MARGIN = 26;
const SIDES: readonly Place[] = [
  [0, 18],
  [0, -18],
  [24, 0],
  [-24, 0],
];

export class TrackMap {
  private outline: Outline | null = null;
  private fit: Fit | null = null;
  private path: Path2D | null = null;
  private size = "";

  constructor(private readonly canvas: HTMLCanvasElement) {}

  draw(
    outline: Outline | null,
    closed: boolean,
    cars: readonly MapCar[],
    cursor: Place | null,
  ): void {
    const context = sharpened(this.canvas);
    if (!context) return;
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    context.clearRect(0, 0, width, height);
    this.settle(outline, closed, width, height);
    if (!this.fit || !this.path || !outline) return;
    const [found, colours] = [this.fit, palette.peek()];
    context.lineJoin = "round";
    context.lineCap = "round";
    context.lineWidth = closed ? 5 : 3;
    context.strokeStyle = colours.track;
    context.stroke(this.path);
    if (closed) this.startLine(context, outline, this.fit);
    const others = cars.filter((car) => !car.own);
    for (const car of [...others, ...cars.filter((car) => car.own)])
      this.car(context, car, this.fit);
    const taken: Place[] = cars.flatMap((car) => (car.own ? [placed(found, car.x, car.y)] : []));
    for (const car of others) this.label(context, car, this.fit, taken);
    if (cursor) this.cursor(context, cursor, this.fit);
  }

  private settle(outline: Outline | null, closed: boolean, width: number, height: number): void {
    const size = `${width}x${height}`;
    if (outline === this.outline && size === this.size) return;
    this.outline = outline;
    this.size = size;
    // What is still being discovered is not turned again and again.
    this.fit = outline && fit(outline, width, height, MARGIN, closed ? undefined : 1);
    this.path = null;
    if (!outline || !this.fit) return;
    this.path = new Path2D();
    for (let i = 0; i < outline.x.length; i++) {
      this.path.lineTo(...placed(this.fit, outline.x[i], outline.y[i]));
    }
    if (closed) this.path.closePath();
  }

  private startLine(context: CanvasRenderingContext2D, outline: Outline, fit: Fit): void {
    const [x0, y0] = placed(fit, outline.x[0], outline.y[0]);
    const [x1, y1] = placed(fit, outline.x[1], outline.y[1]);
    const length = Math.hypot(x1 - x0, y1 - y0) || 1;
    const [across, along] = [(-(y1 - y0) / length) * 9, ((x1 - x0) / length) * 9];
    context.strokeStyle = palette.peek()["ink-2"];
    context.lineWidth = 2.5;
    context.beginPath();
    context.moveTo(x0 - across, y0 - along);
    context.lineTo(x0 + across, y0 + along);
    context.stroke();
  }

  /** Where the traces are being read. */
  private cursor(context: CanvasRenderingContext2D, [x, y]: Place, fit: Fit): void {
    context.beginPath();
    context.arc(...placed(fit, x, y), 8, 0, 2 * Math.PI);
    context.lineWidth = 1.5;
    context.strokeStyle = palette.peek().ink;
    context.stroke();
  }

  private car(context: CanvasRenderingContext2D, car: MapCar, fit: Fit): void {
    if (!Number.isFinite(car.x) || !Number.isFinite(car.y)) return;
    const [left, top] = placed(fit, car.x, car.y);
    const colours = palette.peek();
    const disc = (radius: number) => {
      context.beginPath();
      context.arc(left, top, radius, 0, 2 * Math.PI);
    };
    context.lineWidth = 2;
    context.setLineDash(car.lost ? [3, 3] : []);
    if (car.own && !car.lost) {
      disc(11);
      context.fillStyle = faded(colours.ink, 0.22);
      context.fill();
      disc(6);
      context.fillStyle = colours.ink;
      context.fill();
    } else {
      disc(5);
      context.fillStyle = colours.bg;
      context.fill();
      context.strokeStyle = car.own ? colours.ink : colours["ink-2"];
      context.stroke();
    }
    context.setLineDash([]);
  }

  /** Write a car's name beside it, where no other name and not our car stands. */
  private label(context: CanvasRenderingContext2D, car: MapCar, fit: Fit, taken: Place[]): void {
    const [left, top] = placed(fit, car.x, car.y);
    if (!Number.isFinite(left)) return;
    const free = SIDES.map(([dx, dy]) => [left + dx, top + dy] as const).find(
      ([x, y]) =>
        !taken.some(([otherX, otherY]) => Math.hypot(x - otherX, (y - otherY) * 1.6) < 28),
    );
    if (!free) return;
    taken.push(free);
    const colours = palette.peek();
    context.font = `12px ${FONT}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineWidth = 4;
    context.strokeStyle = colours.bg;
    context.strokeText(car.name, ...free);
    context.fillStyle = colours["ink-2"];
    context.fillText(car.name, ...free);
  }
}
