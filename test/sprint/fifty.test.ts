/** A few sprints with many kinds of trouble; `BURN_SPRINTS` sets their number. */
import { test } from 'node:test'
import { skipReason } from '../sandbox/opened.ts'
import { manySprints } from './fifty.ts'

test('sprints: each issue ends in one change or failure', { skip: skipReason, timeout: 120_000 }, async (t) => {
  await manySprints(t, Number(process.env['BURN_SPRINTS'] ?? 5))
})
