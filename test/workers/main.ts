/**
 * `npm run workers [-- --workers 100] [--issues 180] [--seed S]`: provisions, deploys, drains and retires workers on a real tmux server, while
 * burn is killed again and again. Two windows leave the spec while their workers are at work. Exits with 1 if a process or a pane is left, if
 * work is lost, or if a retired worker got work.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { seeded } from '../../src/core/random.ts'
import { WorkerFleet } from './fleet.ts'
import { judgeEnd, judgeFolders, judgePanes, paneWorkers } from './judge.ts'

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '100' },
    issues: { type: 'string', default: '180' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
const random = seeded(Number(values.seed))
const fleet = new WorkerFleet(Number(values.workers), random)
const workers = fleet.size
const violations: string[] = []
const began = performance.now()

/** Runs a phase, and prints its time and its violations. */
async function phase(name: string, work: () => Promise<readonly string[]>): Promise<void> {
  const from = performance.now()
  const kills = fleet.kills
  const found = await work()
  violations.push(...found)
  console.log(`${name}: ${((performance.now() - from) / 1000).toFixed(0)} s, ${fleet.kills - kills} kills, ${found.length} violations`)
  for (const violation of found.slice(0, 20)) console.log(`  VIOLATION ${violation}`)
}

interface Listed {
  readonly workers: readonly { readonly id: string; readonly life: string; readonly issues: readonly string[] }[]
}

async function listed(): Promise<Listed['workers']> {
  const { out } = await fleet.burn(['worker', 'list', '--json'])
  return (JSON.parse(out) as Listed).workers
}

async function notIn(life: string): Promise<string[]> {
  return (await listed()).filter((each) => each.life !== life).map((each) => `${each.id} is ${each.life}, not ${life}`)
}

/** Removes windows from the spec while their workers are at work. Then `burn up --prune` must end only panes of workers without work. */
async function shrink(windows: readonly string[]): Promise<string[]> {
  fleet.writeSpec(fleet.windows.filter((name) => !windows.includes(name)))
  const isOut = (worker: string) => windows.some((name) => worker.startsWith(`box/${name}/`))
  while (paneWorkers(fleet).some(isOut)) {
    await fleet.burnWithKills(['up', '--prune'], 1, 1_500)
    await sleep(500)
  }
  fleet.writeSpec(fleet.windows)
  return []
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void fleet.close().finally(() => process.exit(130)))
console.log(`${workers} workers, seed ${values.seed}`)
try {
  await fleet.make(Number(values.issues))
  await phase('provisioned', async () => {
    await fleet.burnWithKills(['worker', 'provision', 'all'], 8, 2_500)
    const ids = (await listed()).map(({ id }) => id)
    return [...judgeFolders(ids.map((id) => join(fleet.dir, 'w', id))), ...(await notIn('provisioned'))]
  })
  await phase('deployed', async () => {
    await fleet.burnWithKills(['up'], 4, 1_000)
    await fleet.burnWithKills(['christen', '--parallel', '8'], 4, 6_000)
    return [...judgePanes(fleet, workers), ...(await notIn('deployed'))]
  })
  const stop = new AbortController()
  const dispatching = fleet.dispatchWithKills(stop.signal)
  while ((await listed()).filter(({ issues }) => issues.length > 0).length < workers / 3) await sleep(1_000)
  const [first = '', second = '', ...others] = fleet.windows
  await phase('removed from the spec', () => shrink([first, second]))
  await phase('retired', async () => {
    await fleet.burnWithKills(['worker', 'retire', ...others.slice(0, 3)], 4, 4_000)
    await Promise.all(others.slice(3).map((window) => fleet.burnWithKills(['worker', 'retire', `box/${window}`], 2, 5_000)))
    await fleet.burnWithKills(['worker', 'retire', first, second], 1, 2_000)
    return notIn('retired')
  })
  stop.abort()
  await dispatching
  // The change of the last issue may have been opened after the last cycle.
  await fleet.burn(['dispatch'])
  const end = await judgeEnd(fleet)
  violations.push(...end.violations)
  for (const violation of end.violations.slice(0, 20)) console.log(`  VIOLATION ${violation}`)
  const seconds = ((performance.now() - began) / 1000).toFixed(0)
  console.log(
    `${workers} workers in ${seconds} s: ${fleet.kills} kills, ${end.figures}, ${violations.length} violations; seed ${values.seed}`,
  )
  process.exitCode = violations.length === 0 ? 0 : 1
} finally {
  await fleet.close()
}
