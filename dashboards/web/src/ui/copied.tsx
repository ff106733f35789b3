import { useState } from "preact/hooks";

/** What is to be taken elsewhere as it stands, with a button that copies it. */
export function Copied({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState("");
  async function copy() {
    // Absent where the page came in clear from another machine; the text can still be selected.
    await navigator.clipboard?.writeText(text);
    setCopied(navigator.clipboard ? text : "");
  }
  return (
    <div class="copied">
      <output aria-label={label}>{text}</output>
      <button type="button" class="act" aria-label={`Copy the ${label}`} onClick={() => void copy()}>
        {copied === text ? "Copied" : "Copy"}
      </button>
    </div>
  );
}
