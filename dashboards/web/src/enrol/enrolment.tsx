import { useState } from "preact/hooks";
import { json } from "../link/access";
import { problem } from "../link/problem";
import { useStore } from "../store/context";
import { Field } from "../ui/field";
import type { EnrolmentCode } from "../wire";
import { Code } from "./code";

interface EnrolmentProps {
  /** The PC's driver; "" shows a field for the name. */
  driver: string;
  /** Called once a PC used the code. */
  used?: () => void;
}

/** The form that makes an enrolment code, and the code. */
export function Enrolment({ driver, used = () => {} }: EnrolmentProps) {
  const { access } = useStore();
  const [name, setName] = useState(driver);
  const [made, setMade] = useState<EnrolmentCode | null>(null);
  const [refusal, setRefusal] = useState("");
  async function submit(event: Event) {
    event.preventDefault();
    const response = await access.request("enrolments", json("POST", { driver: name }));
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
