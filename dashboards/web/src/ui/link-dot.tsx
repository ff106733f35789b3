import type { LinkKind } from "../core/link/link-state";

/** A dot for a link: filled while samples flow, dashed when they stopped; quiet says the normal by nothing. */
export function LinkDot({ kind, quiet }: { kind: LinkKind; quiet?: boolean }) {
  if (kind === "live" || kind === "late") return quiet ? null : <i class="dot" />;
  if (kind === "recorded" || kind === "closed" || kind === "none") return quiet ? null : <i class="dot hollow" />;
  return <i class="dot dashed" />;
}
