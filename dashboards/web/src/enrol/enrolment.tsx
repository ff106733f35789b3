import { useState } from "preact/hooks";
import { json, problem, request } from "../link/access";
import type { EnrolmentCode } from "../wire";
import { Code } from "./code";
import { Field } from "../ui/field";

interface EnrolmentProps {
  /** Whose PC it is; without a driver it is asked for. */
  driver: string;
  /** Called once a PC used the code. */
  used?: () => void;
}

/** The code that makes a PC a driver's own. */
export function Enrolment({ driver, used = () => {} }: EnrolmentProps) {
  const [name, setName] = useState(driver);
  const [made, setMade] = useState<EnrolmentCode | null>(null);
  const [refusal, setRefusal] = useState("");
  async function submit(event: Event) {
    event.preventDefault();
    const response = await request("enrolments", json("POST", { driver: name }));
    setRefusal(response?.ok ? "" : await problem(response));
    setMade(response?.ok ? ((await response.json()) as EnrolmentCode) : null);
  }
  return (
    <>
      <form onSubmit={submit}>
        {!driver && (
          <Field label="Driver's name on the wall" value={name} change={setName} complete="off" />
        )}
        <button class="act">Make a code for {driver ? "a PC" : "the PC"}</button>
        <p class="refusal" role="alert">
          {refusal}
        </p>
      </form>
      {made && <Code made={made} used={used} />}
    </>
  );
}
