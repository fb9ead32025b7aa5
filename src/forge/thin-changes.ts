/** The operations on single changes of a forge that offers none of them. */
import type { Forge } from '../core/ports.ts'

/** The operations on single changes of a forge that knows no states and checks of changes, and merges nothing. */
export const thinChanges = {
  changeState: async () => null,
  changedPaths: async () => null,
  checks: async () => [],
  logTail: async () => ({ unknown: 'this forge has no logs' }),
  rerun: async () => ({ result: 'not_possible', why: 'this forge reruns no checks' }),
  protection: async () => null,
  merge: async () => ({ result: 'not_allowed', why: 'this forge merges no changes' }),
  updateBranch: async () => ({ result: 'not_allowed', why: 'this forge updates no branches' }),
  blockers: async () => [],
  react: async () => {},
} as const satisfies Partial<Forge>
