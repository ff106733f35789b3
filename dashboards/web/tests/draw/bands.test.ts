import { expect, test } from "vitest";
import { divided, stretched } from "../../src/draw/bands";

test("a scale is stretched so that its range fills its band", () => {
  const bands = divided(
    [
      { key: "a", label: "", weight: 1 },
      { key: "b", label: "", weight: 1 },
    ],
    216,
  );
  const [low, high] = stretched(bands.get("b")!, 216, 0, 10);
  const toPx = (value: number) => ((high - value) / (high - low)) * 216;
  expect(toPx(10)).toBeCloseTo(116);
  expect(toPx(0)).toBeCloseTo(216);
});
