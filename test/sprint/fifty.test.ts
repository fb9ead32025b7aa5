import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { manySprints } from './fifty.ts'

const skip = existsSync('/usr/bin/bwrap') ? false : 'bubblewrap is not installed'

test('sprints among troubles: each issue ends in one change or one clear failure', { skip, timeout: 120_000 }, async (t) => {
  await manySprints(t, Number(process.env['BURN_SPRINTS'] ?? 8))
})
