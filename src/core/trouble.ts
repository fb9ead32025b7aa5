/** Kinds of trouble that end an agent's turn: a closed set, whatever words the agent or its hook has for it. */

export const troubleKinds = ['auth', 'billing', 'model', 'rate limit', 'connection', 'context', 'empty answer', 'turn failed'] as const

export type TroubleKind = (typeof troubleKinds)[number]

/** Kinds that every issue would meet: they belong to the worker or its account, and count as no attempt. */
const shared: ReadonlySet<string> = new Set<TroubleKind>(['auth', 'billing', 'model', 'rate limit', 'connection'])

export function isWorkerTrouble(kind: string | null): kind is TroubleKind {
  return kind !== null && shared.has(kind)
}
