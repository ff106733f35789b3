import { useEffect, useRef } from "preact/hooks";
import { thinned, type Outline } from "../core/lap/outline";
import { STALE_MS } from "../core/link/link-state";
import { cleared } from "../draw/canvas";
import { TrackMap, type MapCar } from "../draw/map";
import { useStore, useView } from "../store/context";
import type { View } from "../store/view";

const DRIVEN_EVERY_MS = 200;

export function MapView() {
  const { loop, race, theme } = useStore();
  const view = useView();
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const map = new TrackMap();
    let soFar: Outline | null = null;
    let soFarAt = 0;
    return loop.paint((pageNow) => {
      const surface = canvas.current && cleared(canvas.current);
      if (!surface) return;
      const whole = race.outline.peek();
      if (!whole && pageNow - soFarAt > DRIVEN_EVERY_MS) {
        soFar = driven(view);
        soFarAt = pageNow;
      }
      const outline = whole ?? soFar;
      const track = view.chosen.peek()?.track.peek() ?? null;
      const closed = whole !== null;
      const scene = { outline, closed, cars: cars(view), cursor: cursor(view), track };
      map.draw(surface, scene, theme.palette.peek());
    });
  }, [view]);
  const known = race.outline.value !== null || Number.isFinite(view.reading.value?.speed);
  return (
    <div class="map">
      <canvas ref={canvas} role="img" aria-label="Map of the track with the cars on it" />
      {!known && <p>The map appears as a car drives the track.</p>}
    </div>
  );
}

/** Return the track as far as the chosen car has driven it, until a whole lap is known. */
function driven(view: View): Outline | null {
  const ring = view.chosen.peek()?.fast;
  if (!ring?.length) return null;
  const held = (channel: string) => ring.column(channel).subarray(ring.start, ring.end);
  const found = thinned(held("world_x"), held("world_y"), 4);
  return found.x.length > 10 ? found : null;
}

function cars(view: View): MapCar[] {
  const { t, mode } = view.clock.peek();
  const chosen = view.chosen.peek();
  return view.race.drivers.peek().map((driver) => {
    const at = t - driver.offsetMs;
    return {
      name: driver === chosen ? "" : driver.carName.peek(),
      x: driver.fast.at("world_x", at),
      y: driver.fast.at("world_y", at),
      own: driver === chosen,
      lost: mode === "live" && at - driver.fast.lastTime > STALE_MS,
    };
  });
}

/** Return the car's place at the point that is read on the traces. */
function cursor(view: View): readonly [number, number] | null {
  const point = view.inspected.peek();
  const { driver, lap } = view.driving ?? {};
  const seconds = point === null ? null : lap?.grid.elapsed[point];
  if (!driver || !lap || seconds == null) return null;
  const at = lap.startedMs + seconds * 1000;
  const place = [driver.fast.at("world_x", at), driver.fast.at("world_y", at)] as const;
  return place.every(Number.isFinite) ? place : null;
}
