import { expect, test } from "vitest";
import { drawCorners, drawMoment } from "../../src/draw/trace-corners";
import type { Plot } from "../../src/draw/trace-scenery";
import { COLOURS, RecordingContext } from "../fakes/canvas";
import { moment, track } from "../fakes/coach";

/** A plot of 600 px for 600 m. */
function plotOf(): { recording: RecordingContext; plot: Plot } {
  const recording = new RecordingContext();
  const bbox = { left: 50, top: 10, width: 600, height: 300 };
  const valToPos = (value: number, scale: string) => value + (scale === "x" ? 50 : 10);
  return { recording, plot: { ctx: recording.context, bbox, valToPos } };
}

test("corners have a line at their apex and their name above it", () => {
  const { recording, plot } = plotOf();
  drawCorners(plot, track().corners, 1, COLOURS, 1);
  expect(recording.of("moveTo")).toEqual([
    [200, 10],
    [500, 10],
  ]);
  expect(recording.of("fillText")).toEqual([
    ["T1", 200, 18],
    ["T2", 500, 18],
  ]);
});

test("places follow the lap's length where it is not the track's", () => {
  const { recording, plot } = plotOf();
  drawCorners(plot, track().corners, 1.02, COLOURS, 1);
  expect(recording.of("fillText")[0]).toEqual(["T1", 203, 18]);
});

test("of corners close to each other one is named, and corners beyond the plot are not drawn", () => {
  const { recording, plot } = plotOf();
  const [first] = track().corners;
  const corners = [first, { ...first, name: "T2", apex_m: 155 }, { ...first, name: "T3", apex_m: 900 }];
  drawCorners(plot, corners, 1, COLOURS, 1);
  expect(recording.texts).toEqual(["T1"]);
  expect(recording.of("moveTo")).toHaveLength(2);
});

test("a moment is a shaded stretch with lines where it was driven otherwise, and usually", () => {
  const { recording, plot } = plotOf();
  drawMoment(plot, moment(3), 1, COLOURS, 1);
  expect(recording.of("fillRect", "well")).toEqual([[230, 10, 120, 300]]);
  const at = (colour: string) => recording.calls("stroke", colour).length;
  expect([at("loss-fill"), at("ref"), at("line-strong")]).toEqual([1, 1, 2]);
  expect(recording.calls("stroke", "ref")[0].lineDash).toEqual([4, 3]);
});

test("a moment across the line is shaded at both ends of the lap", () => {
  const { recording, plot } = plotOf();
  drawMoment(plot, moment(3, { where: { from_m: 550, to_m: 40 } }), 1, COLOURS, 1);
  expect(recording.of("fillRect", "well")).toEqual([
    [600, 10, 50, 300],
    [50, 10, 40, 300],
  ]);
});
