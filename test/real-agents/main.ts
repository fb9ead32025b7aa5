/**
 * `npm run test:agents [kind…]`: real agent programs, installed from the npm registry into a cache of this person's, pointed at a model server on
 * loopback, and driven by the product's own code: are they read as what they are, does every prompt arrive whole and once, and do those that are backends
 * of sprints do as they are told there. Not a part of
 * `npm test`. Says which programs it could run; exit 1 where one that ran did not do as it should.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { agentKinds } from '../../src/agents/index.ts'
import { messageOf } from '../../src/core/errors.ts'
import { table } from '../../src/cli/table.ts'
import { programs, binOf, isInstalled, type Program } from './programs.ts'
import { check, type Verdict } from './check.ts'
import { checkSprint } from './sprint.ts'

const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'burn-fleet/agents')

function install(program: Program): void {
  if (isInstalled(program, cache)) return
  const folder = dirname(dirname(dirname(binOf(program, cache))))
  mkdirSync(folder, { recursive: true })
  execFileSync('npm', ['install', '--prefix', folder, program.packaged, '--no-audit', '--no-fund', '--loglevel=error'], { stdio: 'pipe' })
}

async function tryOne(program: Program): Promise<(Verdict & { readonly sprint: string }) | { readonly skipped: string }> {
  if (!agentKinds.includes(program.kind)) return { skipped: 'this kind is not known' }
  try {
    install(program)
  } catch (thrown) {
    return { skipped: `not installed: ${messageOf(thrown).split('\n')[0]}` }
  }
  const bin = binOf(program, cache)
  const found = await checkSprint(program, bin, cache)
  const verdict = await check(program, bin)
  return { ...verdict, wrong: [...verdict.wrong, ...(found ?? [])], sprint: found === null ? '' : found.length === 0 ? 'right' : 'WRONG' }
}

const asked = process.argv.slice(2)
const rows: string[][] = []
let failed = false
for (const program of programs.filter(({ kind }) => asked.length === 0 || asked.includes(kind))) {
  const verdict = await tryOne(program)
  if ('skipped' in verdict) {
    rows.push([program.packaged, 'skipped', '', '', '', verdict.skipped, ''])
    continue
  }
  const { ready_ms, readings, arrived, proofs, wrong, sprint } = verdict
  if (wrong.length > 0) failed = true
  rows.push([
    program.packaged,
    wrong.length === 0 ? 'right' : 'WRONG',
    `${(ready_ms / 1000).toFixed(1)} s`,
    `${readings.right} of ${readings.all}`,
    `${arrived.right} of ${arrived.all}`,
    proofs,
    sprint,
  ])
  for (const line of wrong) console.error(`${program.kind}: ${line}`)
}
for (const line of table(['PROGRAM', 'VERDICT', 'READY', 'READINGS', 'ONCE, WHOLE', 'PROOF', 'SPRINT'], rows)) console.log(line)
process.exitCode = failed ? 1 : 0
