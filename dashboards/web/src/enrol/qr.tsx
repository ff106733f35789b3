import { correction, generate } from "lean-qr";
import { toSvgPath } from "lean-qr/extras/svg";

/** Light modules around a code; readers need them to find it. */
const QUIET = 4;

/** A QR code, dark on light in both themes, because some readers refuse the inverse. */
export function Qr({ text, label }: { text: string; label: string }) {
  const code = generate(text, { minCorrectionLevel: correction.M });
  const side = code.size + 2 * QUIET;
  return (
    <svg class="qr" role="img" aria-label={label} viewBox={`${-QUIET} ${-QUIET} ${side} ${side}`}>
      <path d={toSvgPath(code)} />
    </svg>
  );
}
