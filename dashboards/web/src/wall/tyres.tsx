import { fixed, percent } from "../core/figures";
import { WHEELS, type Wheel } from "../core/samples/channels";
import { useView } from "../store/context";
import type { WheelReading } from "../store/reading";

const NAMES: Readonly<Record<Wheel, string>> = {
  fl: "Front left",
  fr: "Front right",
  rl: "Rear left",
  rr: "Rear right",
};

/** Temperature, pressure and tread of each wheel; a dash for a value that the car does not send. */
export function Tyres() {
  const tyres = useView().reading.value?.tyres;
  const left = (wheel: WheelReading) => 1 - wheel.wear;
  return (
    <section class="tyres" aria-label="Tyres">
      <span>Tyres</span>
      {WHEELS.map((wheel) => (
        <span key={wheel}>{NAMES[wheel]}</span>
      ))}
      <Row label="Surface °C" tyres={tyres} text={(wheel) => fixed(wheel.temp, 0)} />
      <Row label="Pressure kPa" tyres={tyres} text={(wheel) => fixed(wheel.pressure, 0)} />
      <Row label="Tread left" tyres={tyres} text={(wheel) => percent(left(wheel))} share={left} />
    </section>
  );
}

interface RowProps {
  readonly label: string;
  readonly tyres: Readonly<Record<Wheel, WheelReading>> | undefined;
  readonly text: (wheel: WheelReading) => string;
  readonly share?: (wheel: WheelReading) => number;
}

function Row({ label, tyres, text, share }: RowProps) {
  return (
    <>
      <span>{label}</span>
      {WHEELS.map((wheel) => {
        const found = tyres?.[wheel];
        const part = found && share ? share(found) : NaN;
        return (
          <span key={wheel} class="wheel">
            <span>{found ? text(found) : "–"}</span>
            {Number.isFinite(part) && (
              <span class="bar">
                <i style={{ width: `${part * 100}%` }} />
              </span>
            )}
          </span>
        );
      })}
    </>
  );
}
