/** Makes one line of the result of a delivery in a cycle, with the command for a person who must act. Pure. */
import type { Delivery } from '../core/lifecycle.ts'
import type { IssueRef } from '../core/nouns.ts'
import type { Reason } from '../core/reasons.ts'
import { sentence } from './wording.ts'

/** A delivery after a cycle. */
export interface DeliveryNews extends Pick<Delivery, 'id' | 'kind' | 'worker' | 'state' | 'proof' | 'evidence'> {
  /** The issue that the text is about; null if it belongs to no issue. */
  readonly issue: IssueRef | null
  /** The reason that burn does not type the text now; absent if nothing prevents it. */
  readonly waits?: Reason
}

/** One line about a delivery. */
export interface NewsLine {
  /** The worker and what happened, without a full stop: `ANN waits for approval`. */
  readonly text: string
  /** The command that a person can run; null if nobody needs to act. */
  readonly remedy: string | null
}

/** Returns what happened to a delivery, and the remedy. */
export function newsOf({ issue, kind, worker: id, state, evidence, waits }: DeliveryNews): NewsLine {
  const worker = id.slice(id.lastIndexOf('/') + 1)
  const what = kind === 'work' ? 'the issue' : kind === 'council' ? 'the question' : `the text (${kind.replaceAll('_', ' ')})`
  const line = (text: string, remedy: string | null = null): NewsLine => ({ text, remedy })
  const why = sentence(evidence)
  switch (state) {
    case 'seen':
      return line(`${worker} got ${what}`)
    case 'mangled':
      return line(`${worker} got another text than burn typed: ${why}`, `burn attach ${worker}`)
    case 'unknown':
      return line(`burn cannot prove that ${worker} got ${what}: ${why}`, `burn attach ${worker}`)
    case 'refused':
      return line(`${worker} did not get ${what}: ${why}`, remedyFor(evidence, worker) ?? (issue === null ? null : `burn explain ${issue}`))
    default:
      return waits === undefined ? line(`burn is sending ${what} to ${worker}`) : waiting(waits, worker, what)
  }
}

function waiting(waits: Reason, worker: string, what: string): NewsLine {
  const remedy = remedyFor(waits, worker)
  if (waits.code === 'agent_state' && waits.state === 'waiting')
    return { text: `${worker} waits for ${waits.detail === 'approval' ? 'approval' : 'an answer'}`, remedy }
  return { text: `${worker} does not have ${what} yet: ${sentence(waits)}`, remedy }
}

/** Returns the command that ends the cause of a wait or a refusal. Null: the cause ends without a person, or burn knows no command. */
function remedyFor(reason: Reason, worker: string): string | null {
  switch (reason.code) {
    case 'agent_state':
      return reason.state === 'waiting' ? `burn answer ${worker}` : reason.state === 'unknown' ? `burn attach ${worker}` : null
    case 'no_agent':
    case 'agent_ended':
      return `burn christen ${worker}`
    case 'held':
      return reason.scope === 'worker' ? `burn resume ${worker}` : null
    case 'draft':
    case 'no_composer':
    case 'not_alone':
    case 'composer_strange':
    case 'texts_unproven':
      return `burn attach ${worker}`
    case 'pane_unreachable':
      return 'burn doctor'
    case 'not_placed':
      return reason.why === null ? null : remedyFor(reason.why, worker)
    default:
      return null
  }
}
