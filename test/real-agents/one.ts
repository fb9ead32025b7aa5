/** Checks one program, in a process with a home of its own. main.ts starts it, and gets its findings as messages. */
import { join } from 'node:path'
import type { Expect, Verdict } from './verdict.ts'
import { messageOf } from '../../src/core/errors.ts'
import { check } from './check.ts'
import { startModel } from './model.ts'
import { binOf, inVersion, programs } from './programs.ts'
import { checkSprint } from './sprint.ts'

const [index = '', version = '', cache = '', root = '', socket = '', what = ''] = process.argv.slice(2)
const pinned = programs[Number(index)]
if (pinned === undefined) throw new Error(`there is no program ${index}`)
const program = inVersion(pinned, version) ?? pinned
const verdict: Verdict = { ready_ms: 0, tallies: {}, proofs: '', wrong: [] }
const label = `${program.packaged}${program.variant === undefined ? '' : ` (${program.variant})`}`

const expect: Expect = (column, holds, what) => {
  const tally = (verdict.tallies[column] ??= { right: 0, all: 0 })
  tally.all += 1
  if (holds) tally.right += 1
  else verdict.wrong.push(`${column}: ${what}`)
  console.error(`${label}: ${holds ? 'right' : 'WRONG'}: ${column}: ${what.replaceAll('\n', ' ').slice(0, 300)}`)
  process.send?.(verdict)
}

const onlyUsage = what === 'usage'
const model = await startModel()
const bin = binOf(program, cache)
const attempt = async (what: string, work: () => Promise<void>) => {
  try {
    await work()
  } catch (thrown) {
    verdict.wrong.push(`${what} ended early: ${messageOf(thrown)}`)
  }
}
try {
  if (!onlyUsage && program.variant === undefined && !program.no_sprints)
    await attempt('the sprint', () => checkSprint(program, bin, root, expect))
  const place = { root, home: join(root, 'home'), socket, bin, url: model.url }
  await attempt('the check of its panes', () => check({ program, place, model, expect, verdict, onlyUsage }))
} finally {
  model.close()
  process.send?.(verdict, () => process.exit())
}
