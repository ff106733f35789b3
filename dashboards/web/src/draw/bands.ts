/** Rows of one chart: each scale is stretched so that its range fills one band of the height. */

export interface Row {
  readonly key: string;
  readonly label: string;
  /** Share of the height. */
  readonly weight: number;
}

export interface Band {
  /** Px from the top of the plot. */
  readonly top: number;
  readonly bottom: number;
}

const SPACE = 16;

/** Divide a height among rows, with space between them and above the first. */
export function divided(
  rows: readonly Row[],
  height: number,
  above = 0,
): ReadonlyMap<string, Band> {
  const weights = rows.reduce((sum, row) => sum + row.weight, 0);
  const free = Math.max(0, height - above - SPACE * (rows.length - 1));
  const bands = new Map<string, Band>();
  let top = above;
  for (const row of rows) {
    const bottom = top + (free * row.weight) / weights;
    bands.set(row.key, { top, bottom });
    top = bottom + SPACE;
  }
  return bands;
}

/** Return the range of the whole height at which `low..high` fills the band. */
export function stretched(band: Band, height: number, low: number, high: number): [number, number] {
  const perPx = (high - low) / Math.max(1, band.bottom - band.top);
  return [low - (height - band.bottom) * perPx, high + band.top * perPx];
}
