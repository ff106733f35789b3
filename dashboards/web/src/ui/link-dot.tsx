import type { LinkKind } from "../core/link/link-state";

/** A dot: filled while they arrive, dashed once samples stopped; `quiet` hides normal states. */
export function LinkDot({ kind, quiet }: { kind: LinkKind; quiet?: boolean }) {
  if (kind === "live" || kind === "late") return quiet ? null : <i class="dot" />;
  if (kind === "unstored" || kind === "unkept") return <i class="dot" />;
  if (kind === "recorded" || kind === "closed" || kind === "none")
    return quiet ? null : <i class="dot hollow" />;
  return <i class="dot dashed" />;
}
