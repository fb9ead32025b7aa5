/** The kinds of trouble that make an agent's turn fail. `agents/trouble` recognises them in the text of screens and hook events. */

export const troubleKinds = ['auth', 'billing', 'model', 'rate limit', 'connection', 'context', 'empty answer', 'turn failed'] as const

export type TroubleKind = (typeof troubleKinds)[number]

/** Kinds of trouble that concern the worker or its account, not the issue. If a turn fails because of such trouble, burn counts no attempt. */
const shared: ReadonlySet<string> = new Set<TroubleKind>(['auth', 'billing', 'model', 'rate limit', 'connection'])

/** Returns true if the trouble concerns the worker or its account, so that the worker would fail on every issue. */
export function isWorkerTrouble(kind: string | null): kind is TroubleKind {
  return kind !== null && shared.has(kind)
}
