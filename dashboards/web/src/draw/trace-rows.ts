/** The rows of the traces, and a scale for each that holds the values of the lap. */

import type { Row } from "./bands";

export interface Scale {
  readonly low: number;
  readonly high: number;
  /** Values that get a line and a label. */
  readonly ticks: readonly number[];
}

export interface TraceRow extends Row {
  readonly digits: number;
  readonly signed: boolean;
  /** Return the scale that holds values from `least` to `most`. */
  readonly scale: (least: number, most: number) => Scale;
}

const SPEED: TraceRow = {
  key: "speed",
  label: "Speed",
  weight: 6,
  digits: 0,
  signed: false,
  scale: (least, most) => {
    const low = Math.min(100, Math.floor(least / 20) * 20);
    const high = Math.ceil(Math.max(most, 120) / 20) * 20;
    return { low, high, ticks: [low, Math.round((low + high) / 20) * 10, high] };
  },
};
const DIFFERENCE: TraceRow = balanced("difference", "Difference", 1.9, [10, 20, 50, 100, 200, 400]);
const DELTA: TraceRow = {
  ...balanced("delta", "Delta", 1.9, [0.2, 0.5, 1, 2, 5, 10, 20, 60, 200]),
  digits: 1,
};
const PEDALS: TraceRow = {
  key: "pedals",
  label: "Pedals",
  weight: 3.2,
  digits: 0,
  signed: false,
  scale: () => ({ low: -1, high: 1, ticks: [] }),
};
const STEERING: TraceRow = balanced(
  "steering",
  "Steering",
  1.6,
  [15, 30, 45, 60, 90, 120, 180, 360, 540],
);
const GEAR: TraceRow = {
  key: "gear",
  label: "Gear",
  weight: 1.4,
  digits: 0,
  signed: false,
  scale: (_, most) => {
    const high = Math.max(6, most);
    return { low: 1, high, ticks: [1, high] };
  },
};
const RPM: TraceRow = {
  key: "rpm",
  label: "Engine",
  weight: 1.4,
  digits: 0,
  signed: false,
  scale: (_, most) => {
    const high = Math.max(2000, Math.ceil(most / 1000) * 1000);
    return { low: 0, high, ticks: [0, high] };
  },
};

/** Return the rows; without a reference those of differences give their room to the others. */
export function rowsFor(compared: boolean): readonly TraceRow[] {
  const driven = [PEDALS, STEERING, GEAR, RPM];
  return compared ? [SPEED, DIFFERENCE, DELTA, ...driven] : [SPEED, ...driven];
}

function balanced(key: string, label: string, weight: number, steps: readonly number[]): TraceRow {
  const scale = (least: number, most: number): Scale => {
    const reach = Math.max(Math.abs(least), Math.abs(most));
    const high = steps.find((step) => step >= reach) ?? steps[steps.length - 1];
    return { low: -high, high, ticks: [-high, 0, high] };
  };
  return { key, label, weight, digits: 0, signed: true, scale };
}
