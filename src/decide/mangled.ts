/** What follows from a text that arrived cut or changed: its agent is told to disregard it, and only then is the issue free. */
import type { DispatchMove, LiveDispatch } from '../core/ledger/claims.ts'
import type { PlannedText } from '../core/ledger/deliveries.ts'
import type { Delivery } from '../core/lives.ts'
import { tagOf } from '../core/line.ts'
import { activeStates } from '../core/lives.ts'

/** How often an agent is told, if it cannot be proven that it heard; then a person has to look. */
const most = 3

export interface Disregarding {
  readonly tell: readonly PlannedText[]
  readonly release: readonly DispatchMove[]
}

/** `mangled`: dispatches whose agent has another text than was meant for it. `told`: further texts about them, in any order. `newId` names new ones. */
export function planDisregard(mangled: readonly LiveDispatch[], told: readonly Delivery[], newId: () => string): Disregarding {
  const texts = Map.groupBy(
    told.filter(({ kind }) => kind === 'follow_up'),
    ({ dispatch }) => dispatch,
  )
  const tell: PlannedText[] = []
  const release: DispatchMove[] = []
  for (const { id, issue, worker, incarnation } of mangled) {
    const about = texts.get(id) ?? []
    if (about.some(({ state }) => state === 'seen'))
      release.push({ id, from: ['handed'], to: 'released', reason: 'its text arrived changed, and its agent was told to disregard it' })
    else if (about.length < most && about.every(({ state }) => !activeStates.includes(state)))
      tell.push({ id: newId(), kind: 'follow_up', worker, text: disregardText(id, issue), about: { dispatch: id, issue }, incarnation })
  }
  return { tell, release }
}

function disregardText(id: string, issue: string): string {
  return `A text about ${issue} reached you cut or changed: it begins with ${tagOf(id)}. Disregard it. If you work on it, stop; push nothing, open no change, and end your turn.`
}
