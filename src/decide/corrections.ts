/**
 * Decides what burn does about a text that was changed on its way to the agent. burn sends a correction that tells the agent to disregard
 * the text. When the agent has the correction, burn releases the issue.
 */
import type { MoveAction, TellAction } from '../core/actions.ts'
import type { UnderWayState } from '../core/fleet-state.ts'
import { deliveryTag } from '../core/typed-line.ts'
import { activeStates } from '../core/lifecycle.ts'

/**
 * Maximum number of corrections per dispatch, if burn cannot prove that any of them arrived. After this number, a person must look at the
 * pane.
 */
const maxCorrections = 3

/** Returns a correction for each agent that got a changed text, or the release of the issue if the correction has arrived. */
export function corrections({ dispatches, mangled, corrections: texts }: UnderWayState): (MoveAction | TellAction)[] {
  const byDispatch = Map.groupBy(
    texts.filter(({ kind }) => kind === 'correction'),
    ({ dispatch }) => dispatch,
  )
  return dispatches.flatMap(({ id, kind, state, issue, worker, incarnation }): (MoveAction | TellAction)[] => {
    if (state !== 'handed' || !mangled.has(id)) return []
    const earlier = byDispatch.get(id) ?? []
    if (earlier.some((text) => text.state === 'seen'))
      return [{ do: 'move', id, kind, issue, worker, from: ['handed'], to: 'released', reason: { code: 'told_to_disregard' } }]
    if (earlier.length >= maxCorrections || earlier.some((text) => activeStates.includes(text.state))) return []
    return [
      {
        do: 'tell',
        kind: 'correction',
        dispatch: id,
        issue,
        worker,
        incarnation,
        text: disregardText(id, issue),
        before: earlier.length,
        reason: { code: 'disregard', worker },
      },
    ]
  })
}

function disregardText(id: string, issue: string): string {
  return `A text about ${issue} reached you changed or incomplete. It begins with ${deliveryTag(id)}. Disregard it. If you work on it, stop, push nothing, open no change, and end your turn.`
}
