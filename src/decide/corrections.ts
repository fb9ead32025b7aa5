/** What follows from a text that arrived cut or changed: its agent is told to disregard it, and only then is the issue free. */
import type { MoveAction, TellAction } from '../core/actions.ts'
import type { UnderWayState } from '../core/fleet-state.ts'
import { deliveryTag } from '../core/typed-line.ts'
import { activeStates } from '../core/lifecycle.ts'

/** How often an agent is told, if it cannot be proven that it heard; then a person has to look. */
const most = 3

/** Tells each agent that has another text than was meant for it, and frees its issue once it was told. */
export function corrections({ dispatches, mangled, corrections: told }: UnderWayState): (MoveAction | TellAction)[] {
  const texts = Map.groupBy(
    told.filter(({ kind }) => kind === 'correction'),
    ({ dispatch }) => dispatch,
  )
  return dispatches.flatMap(({ id, kind, state, issue, worker, incarnation }): (MoveAction | TellAction)[] => {
    if (state !== 'handed' || !mangled.has(id)) return []
    const about = texts.get(id) ?? []
    if (about.some((text) => text.state === 'seen'))
      return [{ do: 'move', id, kind, issue, worker, from: ['handed'], to: 'released', reason: { code: 'told_to_disregard' } }]
    if (about.length >= most || about.some((text) => activeStates.includes(text.state))) return []
    return [
      {
        do: 'tell',
        kind: 'correction',
        dispatch: id,
        issue,
        worker,
        incarnation,
        text: disregardText(id, issue),
        before: about.length,
        reason: { code: 'disregard', worker },
      },
    ]
  })
}

function disregardText(id: string, issue: string): string {
  return `A text about ${issue} reached you cut or changed: it begins with ${deliveryTag(id)}. Disregard it. If you work on it, stop; push nothing, open no change, and end your turn.`
}
