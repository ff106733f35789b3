import { expect, test } from "vitest";
import { LapGrid } from "../../src/core/lap/lap-grid";
import { rowsFor, type Scale } from "../../src/draw/trace-rows";
import {
  drawHoles,
  drawPlayhead,
  drawScales,
  drawSectors,
  type Plot,
} from "../../src/draw/trace-scenery";
import { COLOURS, RecordingContext } from "../fakes/canvas";

/** A plot of 600 px for 600 m; a value of any row stands that many px below the top. */
function plotOf(): { recording: RecordingContext; plot: Plot } {
  const recording = new RecordingContext();
  const bbox = { left: 50, top: 10, width: 600, height: 300 };
  const valToPos = (value: number, scale: string) => value + (scale === "x" ? 50 : 10);
  return { recording, plot: { ctx: recording.context, bbox, valToPos } };
}

test("ticks are lines over the whole plot, labelled left of it", () => {
  const { recording, plot } = plotOf();
  const rows = rowsFor(false).filter((row) => row.key === "speed");
  const scales = new Map<string, Scale>([["speed", { low: 0, high: 200, ticks: [100, 200] }]]);
  drawScales(plot, rows, scales, COLOURS, 2);
  expect(recording.of("moveTo")).toEqual([
    [50, 110.5],
    [50, 210.5],
  ]);
  expect(recording.of("lineTo")).toEqual([
    [650, 110.5],
    [650, 210.5],
  ]);
  expect(recording.of("fillText")).toEqual([
    ["100", 34, 110],
    ["200", 34, 210],
  ]);
});

test("a row of differences has a line of nought without a label", () => {
  const { recording, plot } = plotOf();
  const rows = rowsFor(true).filter((row) => row.key === "delta");
  const scales = new Map<string, Scale>([["delta", { low: -2, high: 2, ticks: [-2, 0, 2] }]]);
  drawScales(plot, rows, scales, COLOURS, 1);
  expect(recording.of("moveTo")).toHaveLength(3);
  expect(recording.texts).toEqual(["−2.0", "+2.0"]);
});

test("sectors end at dotted lines, of which none lies outside the zoomed plot", () => {
  const { recording, plot } = plotOf();
  drawSectors(plot, [-20, 240, 700], COLOURS, 1);
  expect(recording.of("moveTo")).toEqual([[290, 10]]);
  expect(recording.of("lineTo")).toEqual([[290, 310]]);
  expect(recording.calls("stroke")[0].lineDash).toEqual([2, 4]);
});

test("holes are hatched over the height of the plot", () => {
  const { recording, plot } = plotOf();
  drawHoles(
    plot,
    [
      [100, 150],
      [300, 300.5],
    ],
    COLOURS,
    1,
  );
  expect(recording.of("rect")).toEqual([
    [150, 10, 50, 300],
    [350, 10, 2, 300],
  ]);
});

function lapAt(x: number): LapGrid {
  const lap = new LapGrid(600, 1);
  lap.add(0, 0, 0, [100]);
  lap.add(x, 200, 0.2, [100]);
  return lap;
}

test("the playhead stands at the car, with a dot on its speed", () => {
  const { recording, plot } = plotOf();
  const lap = lapAt(240);
  drawPlayhead(plot, lap, lap.columns[0], COLOURS, 1);
  expect(recording.of("moveTo")).toEqual([[290, 10]]);
  expect(recording.of("arc")[0].slice(0, 3)).toEqual([290, 110, 4.5]);
});

test("a car outside the zoomed plot, or without a place, has no playhead", () => {
  const { recording, plot } = plotOf();
  const beyond = { ...plot, valToPos: () => 700 };
  drawPlayhead(beyond, lapAt(240), [], COLOURS, 1);
  const unknown = new LapGrid(600, 1);
  drawPlayhead(plot, unknown, unknown.columns[0], COLOURS, 1);
  expect(recording.drawn).toEqual([]);
});
