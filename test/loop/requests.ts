/**
 * `npm run loop:requests`: counts the requests of cycles with 200 open changes, of which 20 have pending checks, on the stand-in of Gitea.
 * Nothing else moves on the forge.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../src/cli/clock.ts'
import { openSession } from '../../src/cli/wire.ts'
import { cycle } from '../../src/cycle/cycle.ts'
import { hand, idOf, claimOf } from '../ledger/fixtures.ts'
import { report } from '../stand-ins/gitea/people.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'
import { scratch } from '../support/fleet.ts'
import { because } from '../support/reasons.ts'

const [changes, pending, cycles, interval] = [200, 20, 40, 60_000]
const ends: (() => unknown)[] = []
const dir = scratch({ after: (end: unknown) => void ends.push(end as () => unknown) })
let ahead = 0
const clock = { ...systemClock, now: () => Date.now() + ahead }
const repo = 'o/r'
const issues = Array.from({ length: changes }, (_, index) => ({ number: index + 1, title: `Issue ${index + 1}`, author: 'ann' }))
const forge = await startGitea({ repos: [{ name: repo, writers: ['burn', 'ann'], issues }], check: false, now: clock.now })
writeFileSync(join(dir, 'token'), forge.token, { mode: 0o600 })
const spec = join(dir, 'fleet-spec.json')
writeFileSync(
  spec,
  JSON.stringify({
    name: 'f',
    socket: 'burn-test-nothing',
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'gitea', url: forge.url, owner: 'o', token: { file: join(dir, 'token') } },
    machines: { box: { windows: [{ name: 'W', panes: 1, repos: ['r'] }] } },
  }),
)
const { session, close } = await openSession({ spec }, { clock, env: {}, home: dir, cwd: dir, notify: () => {} })

/** Opens the changes, with their dispatches in review. */
async function openChanges(): Promise<void> {
  const { ledger } = session
  await ledger.recordWorkers([{ id: 'm/W/A', drawn: false }], clock.now())
  for (let number = 1; number <= changes; number++) {
    const id = idOf(number)
    await hand(ledger, claimOf(number, { issue: `${repo}#${number}` }), clock.now())
    const row = forge.state.addPull(repo, { title: `Do ${number}`, body: `Closes #${number}`, branch: `burn/${id}`, author: 'burn' })
    report(forge.state, repo, row.pull?.sha ?? '', { context: 'unit', state: number <= pending ? 'pending' : 'success' })
    const review = {
      id,
      from: ['handed'],
      to: 'review',
      reason: because('open'),
      change_url: `${forge.url}/${repo}/pulls/${row.number}`,
    } as const
    await ledger.moveDispatches([review], clock.now())
    // The listing of a forge repeats all changes of its newest second.
    ahead += 2_000
  }
}

/** Runs one cycle, and returns the number of its requests. */
async function requests(): Promise<number> {
  const before = forge.log.length
  await cycle(session.fleet.machines, session, new AbortController().signal)
  ahead += interval
  return forge.log.length - before
}

try {
  await requests()
  await openChanges()
  const first = await requests()
  const counts: number[] = []
  while (counts.length < cycles) counts.push(await requests())
  const mean = counts.reduce((sum, count) => sum + count, 0) / cycles
  const median = counts.toSorted((a, b) => a - b)[cycles / 2] ?? 0
  console.log(`${changes} open changes, ${pending} with pending checks: ${first} requests in the first cycle`)
  console.log(`the next ${cycles} cycles: ${median} requests in most cycles, at most ${Math.max(...counts)}, ${mean.toFixed(1)} on average`)
  console.log(counts.join(' '))
} finally {
  await close()
  await forge.close()
  for (const end of ends.toReversed()) await end()
}
