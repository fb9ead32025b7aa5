/** Prints the steps of delegations. */
import type { DelegateAction } from '../core/actions.ts'
import type { DoneDelegation } from '../claim/delegate.ts'
import { sentence } from '../decide/wording.ts'

const says: Readonly<Record<DoneDelegation['step'], string>> = {
  assigned: 'assigned to',
  commented: 'commented on the assignment to',
  started: 'started by',
  closed: 'closed, was assigned to',
  changed: 'reassigned, was assigned to',
  expired: 'taken from',
  refused: 'not assignable to',
  left: 'left without an agent',
}

/** Returns one line about a step. `before`: a word before the step, such as `would be `. */
export function delegationLine(
  { issue, login, step, reason }: Pick<DelegateAction, 'issue' | 'login' | 'reason'> & Pick<DoneDelegation, 'step'>,
  before = '',
): string {
  return `${issue}  ${before}${says[step]}${login === '' ? '' : ` ${login}`}  ${sentence(reason)}`
}
