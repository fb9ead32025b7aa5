/** How tests of sprints judge what came of one. */
import assert from 'node:assert/strict'
import type { FailureClass, Sprint } from '../../src/core/sprint.ts'
import type { Inside } from './inside.ts'
import { BurnError } from '../../src/core/errors.ts'
import { repo, type SprintRig } from './rig.ts'

/** It ended with this failure; the claim is gone, and the ledger is whole. */
export async function ended(
  row: Sprint | undefined,
  failure: FailureClass,
  state: 'failed' | 'released',
  { context }: Inside,
): Promise<void> {
  const { ledger } = context.session
  assert.equal(row?.failure, failure, row?.failure_text ?? '')
  assert.equal((await ledger.dispatches({ issue: row?.issue ?? '' }))[0]?.state, state)
  assert.deepEqual((await ledger.view()).sprints, [])
  await ledger.check()
}

/** Whether an error has this code, and says what to do. */
export const code = (wanted: string) => (thrown: unknown) => {
  assert.ok(thrown instanceof BurnError && thrown.code === wanted, String(thrown))
  return thrown.hint !== ''
}

/** The bodies of an issue's comments. */
export const commentsOf = ({ forge }: SprintRig, number = 1) =>
  forge.state.repos
    .get(repo)
    ?.items.get(number)
    ?.comments.map(({ body }) => body) ?? []
