import { useState } from "preact/hooks";

/** A text to take elsewhere, with a button that copies it. */
export function Copied({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState("");
  async function copy() {
    // There is no clipboard on a page served without TLS from another machine; the text can be selected.
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
