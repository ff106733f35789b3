/** The traces: one uPlot chart whose rows are bands of one canvas. */

import uPlot from "uplot";
import type { LapGrid } from "../core/lap/lap-grid";
import { COLUMNS, TraceColumns, type Column } from "../core/lap/trace-columns";
import type { Moment, Track } from "../wire";
import { divided, stretched, type Band } from "./bands";
import { FONT } from "./canvas";
import { faded, type Palette } from "./palette";
import { rowsFor, type Scale, type TraceRow } from "./trace-rows";
import { drawCorners, drawMoment } from "./trace-corners";
import { drawHoles, drawPlayhead, drawScales, drawSectors } from "./trace-scenery";

const AXIS_PX = 26;
/** Room for the names of corners. */
const TOP_PX = 20;
const LABELS_PX = 40;
const PARTS_OF_PX = 3;
const STEPS = uPlot.paths.stepped?.({ align: 1 });

export interface TraceScene {
  readonly ours: LapGrid;
  readonly reference: LapGrid | null;
  readonly kind: "distance" | "time";
  readonly sectors: readonly number[];
  readonly pale: boolean;
  /** The track whose corners are named, null without one or over time. */
  readonly track: Track | null;
  /** The moment that is bracketed, null for none. */
  readonly moment: Moment | null;
}

export class TraceChart {
  readonly columns = new TraceColumns();
  rows: readonly TraceRow[];
  bands: ReadonlyMap<string, Band> = new Map();
  private readonly chart: uPlot;
  private readonly scales = new Map<string, Scale>();
  private scene: TraceScene | null = null;
  private length = 0;
  private drawn: { place: number; holes: number; colours: Palette | null } = {
    place: NaN,
    holes: 0,
    colours: null,
  };

  constructor(
    host: HTMLElement,
    readonly compared: boolean,
    private readonly colours: () => Palette,
    private readonly inspected: (point: number | null) => void,
  ) {
    this.rows = rowsFor(compared);
    this.chart = new uPlot(this.options(host), this.lines(), host);
    this.resize(host.clientWidth, host.clientHeight);
  }

  resize(width: number, height: number): void {
    if (width < 120 || height < 80) return;
    this.bands = divided(this.rows, height - AXIS_PX, TOP_PX);
    this.chart.setSize({ width, height });
    this.scene = null;
  }

  draw(scene: TraceScene): void {
    if (!this.differs(scene)) return;
    this.columns.update(scene.ours, scene.reference);
    this.chart.batch(() => {
      for (const row of this.rows) this.rescale(row);
      this.chart.setData(this.lines(), false);
      if (this.length === scene.ours.length) this.chart.redraw(true, false);
      else this.restore(scene.ours.length);
    });
  }

  /** Return whether anything would look different, be it by part of a px. */
  private differs(scene: TraceScene): boolean {
    const before = this.scene;
    const place = Math.round(this.chart.valToPos(scene.ours.position, "x", true) * PARTS_OF_PX);
    const same =
      before !== null &&
      before.ours === scene.ours &&
      before.reference === scene.reference &&
      before.pale === scene.pale &&
      before.track === scene.track &&
      before.moment === scene.moment &&
      Object.is(this.drawn.place, place) &&
      this.drawn.holes === scene.ours.holes.length &&
      this.drawn.colours === this.colours();
    this.scene = scene;
    this.drawn = { place, holes: scene.ours.holes.length, colours: this.colours() };
    return !same;
  }

  private rescale(row: TraceRow): void {
    const band = this.bands.get(row.key);
    if (!band) return;
    const scale = row.scale(...(this.columns.reach.get(row.key) ?? [0, 0]));
    this.scales.set(row.key, scale);
    const [min, max] = stretched(band, this.chart.height - AXIS_PX, scale.low, scale.high);
    const known = this.chart.scales[row.key];
    if (known.min !== min || known.max !== max) this.chart.setScale(row.key, { min, max });
  }

  /** Show the whole lap again. */
  restore(length = this.length): void {
    this.length = length;
    if (length > 0) this.chart.setScale("x", { min: 0, max: length });
  }

  /** Move the cursor by points of the lap, from its place or from the car's. */
  inspect(step: number): void {
    const from = this.chart.cursor.idx ?? this.scene?.ours.head ?? 0;
    const left = this.chart.valToPos(this.columns.x[Math.max(0, from + step)], "x");
    this.chart.setCursor({ left, top: 1 });
  }

  leave(): void {
    this.chart.setCursor({ left: -10, top: -10 });
  }

  destroy(): void {
    this.chart.destroy();
  }

  private get shown(): readonly Column[] {
    const rows = this.rows.map((row) => row.key);
    return COLUMNS.filter((column) => rows.includes(column.row));
  }

  private lines(): uPlot.AlignedData {
    return [this.columns.x, ...this.shown.map((column) => this.columns.of[column.key])];
  }

  private options(host: HTMLElement): uPlot.Options {
    return {
      width: Math.max(120, host.clientWidth),
      height: Math.max(80, host.clientHeight),
      padding: [0, 0, 0, LABELS_PX],
      pxAlign: false,
      legend: { show: false },
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: true },
      },
      scales: {
        x: { time: false, auto: false },
        ...Object.fromEntries(this.rows.map((row) => [row.key, { auto: false, min: 0, max: 1 }])),
      },
      axes: [this.axis(), { show: false }],
      series: [{}, ...this.shown.map((column) => this.series(column))],
      hooks: {
        drawClear: [() => this.behind()],
        draw: [() => this.before()],
        setCursor: [(chart) => this.inspected(chart.cursor.idx ?? null)],
      },
    };
  }

  private axis(): uPlot.Axis {
    const unit = (value: number) =>
      this.scene?.kind === "time" ? `${value} s` : value === 0 ? "0" : `${value / 1000} km`;
    return {
      size: AXIS_PX,
      font: `11px ${FONT}`,
      stroke: () => this.colours()["ink-3"],
      grid: { show: false },
      ticks: { show: false },
      gap: 8,
      space: 64,
      values: (_, splits) => splits.map((at) => (at > 0.97 * this.length ? "" : unit(at))),
    };
  }

  private series(column: Column): uPlot.Series {
    const { key, row, reference } = column;
    const stroke = () => {
      const colours = this.colours();
      const weight = this.scene?.pale ? 0.45 : 1;
      return reference ? colours.ref : faded(colours.ink, weight);
    };
    const plain = {
      scale: row,
      stroke,
      pxAlign: 0,
      width: reference ? 1.25 : 1.75,
      points: { show: false },
    };
    if (row === "gear" && STEPS) return { ...plain, paths: STEPS };
    if (key === "difference") return { ...plain, width: 0, fill: this.halves(row, 0.9), fillTo: 0 };
    if (key === "delta") return { ...plain, width: 1.5, fill: this.halves(row, 0.4), fillTo: 0 };
    if (row === "pedals" && !reference) {
      const share = key === "brake" ? 0.5 : 0.2;
      return { ...plain, width: 1.5, fill: () => faded(this.colours().ink, share), fillTo: 0 };
    }
    return plain;
  }

  /** Fill the sides of nought as gain and loss: more speed is a gain, more time a loss. */
  private halves(row: string, share: number): (chart: uPlot) => CanvasGradient {
    return (chart) => {
      const { top, height } = chart.bbox;
      const middle = (chart.valToPos(0, row, true) - top) / height;
      const colours = this.colours();
      const [above, below] =
        row === "delta" ? ["loss-fill", "gain-fill"] : ["gain-fill", "loss-fill"];
      const gradient = chart.ctx.createLinearGradient(0, top, 0, top + height);
      const cut = Math.min(1, Math.max(0, middle));
      gradient.addColorStop(cut, faded(colours[above as "gain-fill"], share));
      gradient.addColorStop(cut, faded(colours[below as "gain-fill"], share));
      return gradient;
    };
  }

  private behind(): void {
    const [chart, colours, ratio] = [this.chart, this.colours(), uPlot.pxRatio];
    drawScales(chart, this.rows, this.scales, colours, ratio);
    if (!this.scene) return;
    const { track, moment } = this.scene;
    if (track && moment) drawMoment(chart, moment, this.length / track.length_m, colours, ratio);
    if (track) drawCorners(chart, track.corners, this.length / track.length_m, colours, ratio);
    drawSectors(chart, this.scene.sectors, colours, ratio);
    drawHoles(chart, this.scene.ours.holes, colours, ratio);
  }

  private before(): void {
    if (!this.scene) return;
    const speeds = this.columns.of["speed"];
    drawPlayhead(this.chart, this.scene.ours, speeds, this.colours(), uPlot.pxRatio);
  }
}
