/** Assertions about the result of a sprint. */
import assert from 'node:assert/strict'
import type { FailureClass, Sprint } from '../../src/core/sprint.ts'
import type { InProcessSprints } from './inside.ts'
import { BurnError } from '../../src/core/errors.ts'
import { repo, type SprintRig } from './rig.ts'

/** Asserts that the sprint ended with this failure, its claim is gone and the ledger is consistent. */
export async function ended(
  row: Sprint | undefined,
  failure: FailureClass,
  state: 'failed' | 'released',
  { context }: InProcessSprints,
): Promise<void> {
  const { ledger } = context.session
  assert.equal(row?.failure, failure, row?.failure_text ?? '')
  assert.equal((await ledger.dispatches({ issue: row?.issue ?? '' }))[0]?.state, state)
  assert.deepEqual((await ledger.view()).sprints, [])
  await ledger.check()
}

/** Returns a check that an error has this code and a hint. */
export const code = (expected: string) => (thrown: unknown) => {
  assert.ok(thrown instanceof BurnError && thrown.code === expected, String(thrown))
  return thrown.hint !== ''
}

/** Returns the bodies of an issue's comments. */
export const commentsOf = ({ forge }: SprintRig, number = 1) =>
  forge.state.repos
    .get(repo)
    ?.items.get(number)
    ?.comments.map(({ body }) => body) ?? []
