/** The map: the driven track, and the cars on it at the clock's instant. */

import { fit, placed, type Fit, type Outline } from "../core/lap/outline";
import type { Track } from "../wire";
import { FONT, type Surface } from "./canvas";
import { faded, type Palette } from "./palette";

export interface MapCar {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly own: boolean;
  /** True without samples for two seconds: the car stays at its last place. */
  readonly lost: boolean;
}

export interface MapScene {
  readonly outline: Outline | null;
  /** True once the outline is a whole lap. */
  readonly closed: boolean;
  readonly cars: readonly MapCar[];
  /** The track whose corners are named, null without one. */
  readonly track: Track | null;
  /** The place that is read on the traces, in metres. */
  readonly cursor: Place | null;
}

interface Pen {
  readonly context: CanvasRenderingContext2D;
  readonly colours: Palette;
  readonly fit: Fit;
}

type Place = readonly [left: number, top: number];

const MARGIN = 26;
/** From the line to the middle of a corner's name. */
const OUTSIDE_PX = 16;
/** Names closer to each other are left out: each corner is named on the traces. */
const APART_PX = 16;
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

  constructor(private readonly newPath: () => Path2D = () => new Path2D()) {}

  draw({ context, width, height }: Surface, scene: MapScene, colours: Palette): void {
    const { outline, closed, cars, cursor, track } = scene;
    this.settle(outline, closed, width, height);
    if (!this.fit || !this.path || !outline) return;
    const { fit } = this;
    const pen = { context, colours, fit };
    context.lineJoin = "round";
    context.lineCap = "round";
    context.lineWidth = closed ? 5 : 3;
    context.strokeStyle = colours.track;
    context.stroke(this.path);
    if (closed) drawStartLine(pen, outline);
    if (track) drawCorners(pen, track);
    const others = cars.filter((car) => !car.own);
    const own = cars.filter((car) => car.own);
    for (const car of [...others, ...own]) drawCar(pen, car);
    const taken: Place[] = own.map((car) => placed(fit, car.x, car.y));
    for (const car of others) drawLabel(pen, car, taken);
    if (cursor) drawCursor(pen, cursor);
  }

  private settle(outline: Outline | null, closed: boolean, width: number, height: number): void {
    const size = `${width}x${height}`;
    if (outline === this.outline && size === this.size) return;
    this.outline = outline;
    this.size = size;
    // An outline that still grows is never turned, or the map would spin while it does.
    this.fit = outline && fit(outline, width, height, MARGIN, closed ? undefined : 1);
    this.path = null;
    if (!outline || !this.fit) return;
    this.path = this.newPath();
    for (let i = 0; i < outline.x.length; i++) {
      this.path.lineTo(...placed(this.fit, outline.x[i], outline.y[i]));
    }
    if (closed) this.path.closePath();
  }
}

function drawStartLine({ context, colours, fit }: Pen, outline: Outline): void {
  const [x0, y0] = placed(fit, outline.x[0], outline.y[0]);
  const [x1, y1] = placed(fit, outline.x[1], outline.y[1]);
  const length = Math.hypot(x1 - x0, y1 - y0) || 1;
  const [across, along] = [(-(y1 - y0) / length) * 9, ((x1 - x0) / length) * 9];
  context.strokeStyle = colours["ink-2"];
  context.lineWidth = 2.5;
  context.beginPath();
  context.moveTo(x0 - across, y0 - along);
  context.lineTo(x0 + across, y0 + along);
  context.stroke();
}

/** Write the names of corners outside of the line. */
function drawCorners({ context, colours, fit }: Pen, { line, corners, length_m }: Track): void {
  if (line.length < 4) return;
  context.font = `11px ${FONT}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = colours["ink-3"];
  const taken: Place[] = [];
  for (const { name, apex_m, left } of corners) {
    const at = Math.round((apex_m / length_m) * line.length);
    const near = (step: number) => line[(at + step + line.length) % line.length];
    const [[x0, y0], [x1, y1]] = [near(-1), near(1)];
    const away = (left ? OUTSIDE_PX : -OUTSIDE_PX) / fit.scale / (Math.hypot(x1 - x0, y1 - y0) || 1);
    const [x, y] = near(0);
    const place = placed(fit, x + (y1 - y0) * away, y - (x1 - x0) * away);
    if (taken.some(([a, b]) => Math.hypot(a - place[0], b - place[1]) < APART_PX)) continue;
    taken.push(place);
    context.fillText(name, ...place);
  }
}

/** Circle the place that is read on the traces. */
function drawCursor({ context, colours, fit }: Pen, [x, y]: Place): void {
  context.beginPath();
  context.arc(...placed(fit, x, y), 8, 0, 2 * Math.PI);
  context.lineWidth = 1.5;
  context.strokeStyle = colours.ink;
  context.stroke();
}

function drawCar({ context, colours, fit }: Pen, car: MapCar): void {
  if (!Number.isFinite(car.x) || !Number.isFinite(car.y)) return;
  const [left, top] = placed(fit, car.x, car.y);
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

/** Write a car's name beside it, where neither another name nor our car stands. */
function drawLabel({ context, colours, fit }: Pen, car: MapCar, taken: Place[]): void {
  const [left, top] = placed(fit, car.x, car.y);
  if (!Number.isFinite(left)) return;
  const free = SIDES.map(([dx, dy]) => [left + dx, top + dy] as const).find(
    ([x, y]) => !taken.some(([otherX, otherY]) => Math.hypot(x - otherX, (y - otherY) * 1.6) < 28),
  );
  if (!free) return;
  taken.push(free);
  context.font = `12px ${FONT}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = 4;
  context.strokeStyle = colours.bg;
  context.strokeText(car.name, ...free);
  context.fillStyle = colours["ink-2"];
  context.fillText(car.name, ...free);
}
