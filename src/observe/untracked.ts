/** Keeps telemetry out of git: whoever commits a work tree must not commit what burn observed. */
import type { Session } from './session.ts'
import { join } from 'node:path'
import { BurnError } from '../core/errors.ts'

/** Throws BurnError `folder_tracked` if git would track the file. `what`: the file or its folder, for people. */
export async function assertUntracked(file: string, what: string, { trackedBy }: Pick<Session, 'trackedBy'>): Promise<void> {
  const root = await trackedBy(file)
  if (root === null) return
  throw new BurnError(
    'folder_tracked',
    `git would track ${what}, because it is in the work tree ${root}`,
    `name a place outside of ${root}, or ignore it in ${join(root, '.gitignore')}`,
  )
}

/** Throws BurnError `folder_tracked` if the ledger is a file that git would track. */
export async function assertLedgerUntracked({ fleet: { ledger }, ...session }: Pick<Session, 'fleet' | 'trackedBy'>): Promise<void> {
  const path = /^sqlite:(\/.+)$/.exec(ledger)?.[1]
  if (path !== undefined) await assertUntracked(path, `the ledger ${path}`, session)
}
