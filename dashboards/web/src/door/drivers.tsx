import { signal } from "@preact/signals";
import { change, request } from "../link/access";
import type { DriverAbout } from "../wire";
import { Enrolment } from "./enrolment";

const drivers = signal<readonly DriverAbout[]>([]);
const refusal = signal("");

/** Who may drive, and the way to shut somebody out. */
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
            <tr key={driver.driver}>
              <th scope="row">{driver.driver}</th>
              <td class="ink-2">{state(driver)}</td>
              <td>
                {!driver.revoked && (
                  <button class="act" onClick={() => void revoke(driver.driver)}>
                    Shut out
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <Enrolment driver="" used={() => void loadDrivers()} />
    </section>
  );
}

function state(driver: DriverAbout): string {
  if (driver.revoked) return "shut out";
  const until = driver.shut_until ? new Date(driver.shut_until) : null;
  if (until && until.getTime() > Date.now()) {
    return `sent too much, shut out until ${until.toLocaleTimeString()}`;
  }
  return `${driver.pcs} enrolled`;
}

async function revoke(driver: string): Promise<void> {
  refusal.value = await change("POST", `drivers/${driver}/revoke`);
  await loadDrivers();
}

export async function loadDrivers(): Promise<void> {
  const known = await request("drivers");
  if (known?.ok) drivers.value = (await known.json()) as DriverAbout[];
}
