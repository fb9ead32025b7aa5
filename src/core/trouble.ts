/** The kinds of trouble that make an agent's turn fail. `agents/trouble` maps the words of screens and hooks to them. */

export const troubleKinds = ['auth', 'billing', 'model', 'rate limit', 'connection', 'context', 'empty answer', 'turn failed'] as const

export type TroubleKind = (typeof troubleKinds)[number]

/** Kinds that concern the worker or its account, not the issue. burn counts no attempt for them. */
const shared: ReadonlySet<string> = new Set<TroubleKind>(['auth', 'billing', 'model', 'rate limit', 'connection'])

/** Returns true if the trouble concerns the worker or its account, so that every issue would fail. */
export function isWorkerTrouble(kind: string | null): kind is TroubleKind {
  return kind !== null && shared.has(kind)
}
