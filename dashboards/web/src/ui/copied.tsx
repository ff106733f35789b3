import { useState } from "preact/hooks";

/** A text to take elsewhere, with a button that copies it. */
export function Copied({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState("");
  async function copy() {
    // Without TLS another machine's page has no clipboard; the text can still be selected.
    await navigator.clipboard?.writeText(text);
    setCopied(navigator.clipboard ? text : "");
  }
  return (
    <div class="copied">
      <output aria-label={label}>{text}</output>
      <button
        type="button"
        class="act"
        aria-label={`Copy the ${label}`}
        onClick={() => void copy()}
      >
        {copied === text ? "Copied" : "Copy"}
      </button>
    </div>
  );
}
