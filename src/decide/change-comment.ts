/** The comment of burn on a change: its stage, and the steps that burn took. It begins with a marker, so that burn can find it again. */
import type { ChangeStep } from '../core/change-loop.ts'
import type { ChangeStage } from '../core/change-stages.ts'
import type { Reason } from '../core/reasons.ts'
import { escapeLineForForge } from '../core/forge-text.ts'
import { sentence, stepName, toSecond } from './wording.ts'

const marker = (fleet: string, dispatch: string) => `<!-- burn:1 fleet=${fleet} change=${dispatch} -->`

/** Returns true for the comment of this fleet about the change of a dispatch. */
export function isChangeComment(body: string, fleet: string, dispatch: string): boolean {
  return body.startsWith(marker(fleet, dispatch))
}

/** Maximum number of steps in the comment. */
const mostSteps = 20
const longestReason = 500

/** The facts that the comment reports. `steps`: all steps, oldest first. */
export interface ChangeCommentFacts {
  readonly fleet: string
  readonly dispatch: string
  readonly stage: ChangeStage
  readonly reason: Reason
  readonly steps: readonly ChangeStep[]
}

/** Returns the comment about a change. */
export function changeComment({ fleet, dispatch, stage, reason, steps }: ChangeCommentFacts): string {
  const rows = steps.slice(-mostSteps).map(({ action, worker, outcome, reason: why, at }) => {
    const who = worker === null ? '' : ` → ${worker}`
    const failed = outcome === 'failed' ? ' (failed)' : ''
    return `- ${toSecond(at)} ${stepName(action)}${who}${failed}: ${escapeLineForForge(sentence(why), longestReason)}`
  })
  const says = stage === 'escalated' ? 'This change needs a person' : `Stage: ${stage.replaceAll('_', ' ')}`
  return [marker(fleet, dispatch), `${says}: ${escapeLineForForge(sentence(reason), longestReason)}.`, '', ...rows, ''].join('\n')
}
