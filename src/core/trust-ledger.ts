/** The part of the ledger that keeps which text was approved, and who was last seen to have rights. */
import type { IssueRef, RepoRef, Time } from './nouns.ts'

/** Whether an issue's text is the one that burn saw with a trusted label first; null if it was never seen with one since it last had none. */
export type ApprovalState = 'current' | 'edited' | null

export interface Approval {
  readonly issue: IssueRef
  /** That of the record it was decided from. */
  readonly revision: number
  /** False: the label is gone, and with it the approval. */
  readonly approved: boolean
}

export interface TrustLedger {
  /** Approves the text that these issues have in the ledger, or forgets what was approved. Returns those whose revision is still the one given. */
  saveApprovals(approvals: readonly Approval[], at: Time): Promise<readonly IssueRef[]>
  /** Keeps who of a repo's writers may still write; they are not asked about again for a minute. */
  confirmWriters(repo: RepoRef, writers: readonly string[], at: Time): Promise<void>
}
