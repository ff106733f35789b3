import { brief, clockTime } from "../core/figures";
import { alarming, stopped, type LinkKind } from "../core/link/link-state";
import { goneMs, missingMs } from "../core/samples/holes";
import { useStore, useView } from "../store/context";
import type { Driver } from "../store/driver";
import { LinkDot } from "../ui/link-dot";

/** Every driver's link: the age of the data, the missing parts, and the chunks still on the PC. */
export function Links() {
  const drivers = useStore().race.drivers.value;
  if (!drivers.length) return null;
  return (
    <section class="links" aria-label="Links">
      <h2>Links</h2>
      <ul>
        {drivers.map((driver) => (
          <Row key={driver.name} driver={driver} />
        ))}
      </ul>
    </section>
  );
}

function Row({ driver }: { driver: Driver }) {
  const link = useView().links.value.get(driver);
  const waiting = driver.presence.value?.waiting ?? 0;
  return (
    <li>
      <LinkDot kind={link?.kind ?? "none"} />
      <span>
        <b>{driver.name}</b>{" "}
        {driver.session.value?.car && <span class="ink-3">{driver.carName.value}</span>}
      </span>
      <span class={alarming(link?.kind) ? "loss" : "ink-2"}>{link?.words}</span>
      <span />
      <span class="small ink-3">{wholeness(driver, link?.kind)}</span>
      <span class="small ink-3">
        {waiting > USUALLY_WAITING ? `${waiting} chunks wait on the PC` : ""}
      </span>
    </li>
  );
}

/** The most chunks that wait on a PC in normal operation. */
const USUALLY_WAITING = 40;

export function wholeness(driver: Driver, kind: LinkKind | undefined): string {
  const newest = driver.coverage.value.span?.[1];
  if (stopped(kind) && newest) return `nothing since ${clockTime(newest + driver.offsetMs)}`;
  const [missing, gone] = [missingMs(driver.coverage.value), goneMs(driver.coverage.value)];
  const parts = [];
  if (missing > 0) parts.push(`${brief(missing)} missing, may still arrive`);
  if (gone > 0) parts.push(`${brief(gone)} lost for good`);
  return parts.join(" · ") || "nothing is missing";
}
