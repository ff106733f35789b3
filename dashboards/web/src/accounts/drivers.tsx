import { signal } from "@preact/signals";
import { change, request } from "../link/access";
import type { DriverAbout, PcAbout } from "../wire";
import { Enrolment } from "../enrol/enrolment";

/** So much of a key tells PCs apart; the whole of it is shown on pointing at it. */
const KEY_START = 9;

const drivers = signal<readonly DriverAbout[]>([]);
const refusal = signal("");

/** Who may drive, with which PCs, and the way to shut somebody out. */
export function Drivers() {
  return (
    <section class="invite">
      <h2>Drivers' PCs</h2>
      <p class="refusal" role="alert">
        {refusal.value}
      </p>
      <table>
        <tbody>
          {drivers.value.map((driver) => (
            <Driver key={driver.driver} driver={driver} />
          ))}
        </tbody>
      </table>
      <Enrolment driver="" used={() => void loadDrivers()} />
    </section>
  );
}

function Driver({ driver }: { driver: DriverAbout }) {
  const path = `drivers/${driver.driver}`;
  return (
    <>
      <tr>
        <th scope="row">{driver.driver}</th>
        <td class="ink-2">{state(driver)}</td>
        <td>
          {!driver.revoked && (
            <button class="act" onClick={() => void revoke(path)}>
              Shut out
            </button>
          )}
        </td>
      </tr>
      {driver.pcs.map((pc) => (
        <tr key={pc.public_key}>
          <td title={pc.public_key}>
            {pc.name} <span class="ink-3">{pc.public_key.slice(0, KEY_START)}…</span>
          </td>
          <td class="ink-2">{stateOfPc(pc)}</td>
          <td>
            {!pc.revoked && (
              <button class="act" onClick={() => void revoke(`${path}/pcs/${pc.public_key}`)}>
                Shut out this PC
              </button>
            )}
          </td>
        </tr>
      ))}
    </>
  );
}

function state(driver: DriverAbout): string {
  if (driver.revoked) return "shut out";
  const until = driver.shut_until ? new Date(driver.shut_until) : null;
  if (until && until.getTime() > Date.now()) {
    return `sent too much, shut out until ${until.toLocaleTimeString()}`;
  }
  return driver.pcs.length ? "" : "no PC";
}

function stateOfPc(pc: PcAbout): string {
  if (pc.revoked) return `shut out ${day(pc.revoked)}`;
  const renewed = pc.renewed ? `, renewed ${day(pc.renewed)}` : "";
  return `enrolled ${day(pc.enrolled)}${renewed}, until ${day(pc.expires)}`;
}

function day(at: string): string {
  return new Date(at).toLocaleDateString();
}

async function revoke(path: string): Promise<void> {
  refusal.value = await change("POST", `${path}/revoke`);
  await loadDrivers();
}

export async function loadDrivers(): Promise<void> {
  const known = await request("drivers");
  if (known?.ok) drivers.value = (await known.json()) as DriverAbout[];
}
