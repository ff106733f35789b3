import { useEffect, useRef } from "preact/hooks";
import { STALE_MS } from "../core/link/link-state";
import { thinned, type Outline } from "../core/lap/outline";
import { TrackMap, type MapCar } from "../draw/map";
import { paint } from "../store/frames";
import { outline } from "../store/past";
import { inspected, reading } from "../store/reading";
import * as wall from "../store/wall";

const DRIVEN_EVERY_MS = 200;

export function MapView() {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (!canvas.current) return;
    const map = new TrackMap(canvas.current);
    let soFar: Outline | null = null;
    let soFarAt = 0;
    return paint((pageNow) => {
      const whole = outline.peek();
      if (!whole && pageNow - soFarAt > DRIVEN_EVERY_MS) {
        soFar = driven();
        soFarAt = pageNow;
      }
      map.draw(whole ?? soFar, whole !== null, cars(), cursor());
    });
  }, []);
  const known = outline.value !== null || Number.isFinite(reading.value?.speed);
  return (
    <div class="map">
      <canvas ref={canvas} role="img" aria-label="Map of the track with the cars on it" />
      {!known && <p>The map is drawn while a car drives it.</p>}
    </div>
  );
}

/** The track as far as the chosen car has driven it, before a lap is whole. */
function driven(): Outline | null {
  const ring = wall.chosen.peek()?.fast;
  if (!ring?.length) return null;
  const held = (channel: string) => ring.column(channel).subarray(ring.start, ring.end);
  const found = thinned(held("world_x"), held("world_y"), 4);
  return found.x.length > 10 ? found : null;
}

function cars(): MapCar[] {
  const { t } = wall.clock.peek();
  const chosen = wall.chosen.peek();
  return wall.drivers.peek().map((driver) => {
    const at = t - driver.offsetMs;
    return {
      name: driver === chosen ? "" : carLabel(driver.session.peek()?.car, driver.name),
      x: driver.fast.at("world_x", at),
      y: driver.fast.at("world_y", at),
      own: driver === chosen,
      lost: wall.clock.peek().mode === "live" && at - driver.fast.lastTime > STALE_MS,
    };
  });
}

/** Where the car was at the point that is read on the traces. */
function cursor(): readonly [number, number] | null {
  const point = inspected.peek();
  const driver = wall.chosen.peek();
  const seconds = point === null ? null : driver?.lap?.grid.elapsed[point];
  if (!driver?.lap || seconds == null) return null;
  const at = driver.lap.startedMs + seconds * 1000;
  const place = [driver.fast.at("world_x", at), driver.fast.at("world_y", at)] as const;
  return place.every(Number.isFinite) ? place : null;
}

function carLabel(car: string | undefined, name: string): string {
  return car ? `#${car}` : name;
}
