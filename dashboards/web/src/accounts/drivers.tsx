import { Enrolment } from "../enrol/enrolment";
import type { DriverAbout, PcAbout } from "../wire";
import type { Accounts } from "./accounts";

/** The start of a key that tells PCs apart; a tooltip shows all of it. */
const KEY_START = 9;

/** The enrolled drivers and their PCs, each of which can be revoked. */
export function Drivers({ accounts }: { accounts: Accounts }) {
  const revoke = (path: string) => void accounts.revoke(path);
  return (
    <section class="invite">
      <h2>Drivers' PCs</h2>
      <p class="refusal" role="alert">
        {accounts.revocationRefusal.value}
      </p>
      <table>
        <tbody>
          {accounts.drivers.value.map((driver) => (
            <Driver key={driver.driver} driver={driver} revoke={revoke} />
          ))}
        </tbody>
      </table>
      <Enrolment driver="" used={() => void accounts.loadDrivers()} />
    </section>
  );
}

interface DriverProps {
  driver: DriverAbout;
  revoke: (path: string) => void;
}

function Driver({ driver, revoke }: DriverProps) {
  const path = `drivers/${driver.driver}`;
  return (
    <>
      <tr>
        <th scope="row">{driver.driver}</th>
        <td class="ink-2">{state(driver)}</td>
        <td>
          {!driver.revoked && (
            <button class="act" onClick={() => revoke(path)}>
              Revoke
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
              <button class="act" onClick={() => revoke(`${path}/pcs/${pc.public_key}`)}>
                Revoke this PC
              </button>
            )}
          </td>
        </tr>
      ))}
    </>
  );
}

function state(driver: DriverAbout): string {
  if (driver.revoked) return "revoked";
  const until = driver.shut_until ? new Date(driver.shut_until) : null;
  if (until && until.getTime() > Date.now()) {
    return `sent too much, blocked until ${until.toLocaleTimeString()}`;
  }
  return driver.pcs.length ? "" : "no PC";
}

function stateOfPc(pc: PcAbout): string {
  if (pc.revoked) return `revoked ${day(pc.revoked)}`;
  const renewed = pc.renewed ? `, renewed ${day(pc.renewed)}` : "";
  return `enrolled ${day(pc.enrolled)}${renewed}, until ${day(pc.expires)}`;
}

function day(at: string): string {
  return new Date(at).toLocaleDateString();
}
