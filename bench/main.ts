/**
 * `npm run bench`: measures burn against plain tmux, git or ssh for the same work. Prints a table of medians and ranges; `--write` writes
 * it to docs/explanation/measurements.md. Exits with 1 if a limit does not hold.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Machine } from '../src/core/nouns.ts'
import type { Compared } from './measure.ts'
import type { Rig } from './rig.ts'
import { systemClock } from '../src/cli/clock.ts'
import { openSession } from '../src/cli/wire.ts'
import { openTmux } from '../src/tmux/open.ts'
import { startSshd } from '../test/support/sshd.ts'
import { startGitea } from '../test/stand-ins/gitea/server.ts'
import { claiming } from './claims.ts'
import { deciding } from './decide.ts'
import { firstIssue } from './first.ts'
import { pairs, timed } from './measure.ts'
import { allHold, tableOf, writeTable } from './report.ts'
import { command, openRig, root } from './rig.ts'
import { sprinting } from './sprints.ts'
import { capturing, delivering, panesOf, bringingUp, sampling, sshPerPane, starting, statusCommand } from './topics.ts'

/** Opens a session with the fleet of the benchmarks in this process, as a command does. */
function sessionOf(rig: Rig): ReturnType<typeof openSession> {
  const wiring = {
    clock: systemClock,
    env: {},
    home: join(rig.dir, 'home'),
    cwd: rig.dir,
    notify: ({ subject, text }: { subject: string; text: string }) => console.error(`${subject}: ${text}`),
  }
  return openSession({ spec: join(rig.dir, 'fleet-spec.json') }, wiring)
}

async function local(rig: Rig): Promise<Compared[]> {
  const open = await sessionOf(rig)
  const machine = open.session.fleet.machines[0] as Machine
  const results = [await bringingUp(rig, machine, pairs)]
  await rig.burn('up')
  await rig.burn('christen', '--parallel', '16')
  const channel = await openTmux(machine, { clock: systemClock })
  results.push(await delivering(rig, open.session, channel, pairs, 'local'))
  results.push(await sampling(rig, machine, channel, pairs * 3, 'local'))
  results.push(await statusCommand(rig, pairs))
  await channel.close()
  await open.close()
  return results
}

/** Measures deliveries and snapshots over ssh on loopback, for the panes of the same fleet. */
async function overSsh(rig: Rig): Promise<Compared[]> {
  const ends: (() => void)[] = []
  const sshd = await startSshd({ after: (end) => void ends.push(end as () => void) })
  if (sshd === null) return (console.log('no ssh server on this machine: skipped'), [])
  rig.writeSpec({ host: sshd.host, ssh: { port: sshd.port, options: sshd.options } })
  const open = await sessionOf(rig)
  const machine = open.session.fleet.machines[0] as Machine
  const channel = await openTmux(machine, { clock: systemClock })
  const delivered = await delivering(rig, open.session, channel, pairs, 'over ssh')
  const looked = await sampling(rig, machine, channel, pairs * 3, 'over ssh')
  const captured = await capturing(rig, open.session, channel, pairs * 3)
  const options = Object.entries({ ...sshd.options, BatchMode: 'yes' }).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  const bySsh = await sshPerPane(rig, delivered.ours, ['ssh', '-p', String(sshd.port), ...options, sshd.host], panesOf(rig, machine), 3)
  await channel.close()
  await open.close()
  for (const end of ends) end()
  return [delivered, looked, captured, bySsh]
}

interface Cycle {
  readonly ms: number
  readonly claimed: readonly unknown[]
  readonly deliveries: readonly { readonly state: string; readonly evidence: string }[]
}

/** Measures a cycle that assigns 112 issues, including durable writes and comments, and a cycle in which nothing is new. */
async function cycles(rig: Rig): Promise<Compared[]> {
  const times: number[] = []
  const quiet: number[] = []
  const restarts: number[] = []
  let asked = 0
  for (let turn = 0; turn < pairs; turn++) {
    const issues = Array.from({ length: 112 }, (_, index) => ({
      title: `Issue ${index}`,
      body: 'words to work on '.repeat(120),
      author: 'ann',
    }))
    await using forge = await startGitea({ check: false, repos: [{ name: 'bench/app', writers: ['burn', 'ann'], issues }] })
    writeFileSync(join(rig.dir, 'token'), forge.token, { mode: 0o600 })
    rig.writeSpec(
      {},
      {
        name: `bench${turn}`,
        session: 'B',
        ledger: `sqlite:${rig.dir}/cycle-${turn}.db`,
        forge: { kind: 'gitea', url: forge.url, owner: 'bench', token: { file: join(rig.dir, 'token') } },
      },
    )
    const first = JSON.parse(await rig.burn('dispatch', '--json')) as Cycle
    const seen = first.deliveries.filter(({ state }) => state === 'seen').length
    const others = [...new Set(first.deliveries.flatMap(({ state, evidence }) => (state === 'seen' ? [] : [`${state}: ${evidence}`])))]
    if (first.claimed.length !== 112 || seen !== 112)
      throw new Error(`turn ${turn} claimed ${first.claimed.length} and saw ${seen} of 112 (${others.join('; ')})`)
    times.push(first.ms)
    if (turn < pairs - 1) continue
    // burn reads recent changes again for a while, because a forge may publish them late. Wait until burn no longer reads them.
    await sleep(31_000)
    for (let again = -1; again < pairs; again++) {
      const before = forge.log.length
      const { ms } = JSON.parse(await rig.burn('dispatch', '--json')) as Cycle
      if (again < 0) continue
      quiet.push(ms)
      asked = Math.max(asked, forge.log.length - before)
    }
    for (let again = 0; again < pairs; again++) restarts.push(await restart(rig))
  }
  const under = (ms: number) => ({ says: `< ${ms} ms`, holds: (ours: number) => ours < ms })
  return [
    { name: 'a cycle of 112 issues, proof and comments', ours: times, theirs: [], against: '', limit: under(2000) },
    {
      name: `a cycle with nothing new (${asked} requests, 1 repo)`,
      ours: quiet,
      theirs: [],
      against: '',
      limit: { says: '≤ 2 requests', holds: () => asked <= 2 },
    },
    { name: 'a start after a crash, with 112 panes', ours: restarts, theirs: [], against: '', limit: under(2000) },
  ]
}

/**
 * Kills a dispatcher while 112 agents work. Returns the duration (ms) of the next dispatcher's process. Throws if the next dispatcher
 * changes anything.
 */
async function restart(rig: Rig): Promise<number> {
  const before = rig.received()
  const running = rig.start('dispatch', '--cycles', '0', '--interval', '1', '--json')
  await running.printed(/"cycle":1/)
  await running.kill()
  let known = { claimed: [] as unknown[], settled: [] as unknown[], troubles: [] as unknown[] }
  const took = await timed(async () => {
    known = JSON.parse(await rig.burn('dispatch', '--json')) as typeof known
  })
  if (known.claimed.length + known.settled.length + known.troubles.length > 0 || rig.received() !== before)
    throw new Error(`the restart changed something: ${JSON.stringify(known)}`)
  return took
}

const rig = openRig()
process.once('SIGINT', () => {
  rig.close()
  process.exit(130)
})
try {
  await command([process.execPath, join(root, 'scripts/build.ts')])
  const only = process.argv.slice(2).filter((word) => !word.startsWith('--'))
  const wanted = (name: string) => only.length === 0 || only.includes(name)
  const fleet = async (topic: (rig: Rig) => Promise<Compared[]>) => {
    // The previous topic may have reached the panes over ssh.
    rig.writeSpec()
    await rig.burn('up')
    await rig.burn('christen', '--parallel', '16')
    return topic(rig)
  }
  /** The topics, each with its table in docs/explanation/measurements.md. */
  const topics: Record<string, { readonly table: string; measure(): Promise<Compared[]> | Compared[] }> = {
    start: { table: 'table', measure: () => starting(pairs) },
    first: { table: 'table', measure: () => firstIssue(pairs) },
    local: { table: 'table', measure: () => fleet(local) },
    ssh: { table: 'table', measure: () => fleet(overSsh) },
    cycles: { table: 'table', measure: () => fleet(cycles) },
    decide: { table: 'table', measure: () => deciding(pairs) },
    sprints: { table: 'sprints table', measure: () => sprinting(pairs) },
    ledger: { table: 'ledger table', measure: () => claiming(pairs) },
  }
  const tables = new Map<string, Compared[]>()
  let held = true
  for (const [name, { table, measure }] of Object.entries(topics)) {
    if (!wanted(name)) continue
    try {
      const results = await measure()
      tables.set(table, [...(tables.get(table) ?? []), ...results])
      held = allHold(results) && held
      console.log(tableOf(results))
    } catch (thrown) {
      // Continue with the other topics.
      console.error(`${name} was not measured:`, thrown)
      held = false
    }
  }
  console.log(`\nmedian (minimum–maximum) of ${pairs} interleaved pairs, Node ${process.versions.node}`)
  if (process.argv.includes('--write')) for (const [table, results] of tables) writeTable(table, tableOf(results))
  process.exitCode = held ? 0 : 1
} finally {
  rig.close()
}
