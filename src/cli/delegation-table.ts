/** Formats the steps of delegations. */
import type { DelegateAction } from '../core/actions.ts'
import type { DoneDelegation } from '../claim/delegate.ts'
import { sentence } from '../decide/wording.ts'
import { table } from './table.ts'

/** A step that burn decided or carried out. */
type Step = Pick<DelegateAction, 'issue' | 'agent' | 'reason'> & Pick<DoneDelegation, 'step'>

/** Returns a table of these steps; no lines if there are none. */
export function delegationTable(steps: readonly Step[], columns: number): string[] {
  const rows = steps.map(({ issue, step, agent, reason }) => [issue, step, agent, sentence(reason)])
  return rows.length === 0 ? [] : table(['ISSUE', 'STEP', 'AGENT', 'WHY'], rows, columns, ['WHY', 'STEP'])
}

/** Returns false for issues that no agent suits, because there may be hundreds of them. */
export const hasAgent = ({ step }: { readonly step: string }) => step !== 'left'
