/** The topics of the benchmarks. Each function returns the times of burn and of an alternative, and the limit that the medians must meet. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Machine } from '../src/core/nouns.ts'
import type { Tmux } from '../src/core/ports.ts'
import type { Session } from '../src/observe/session.ts'
import type { Compared } from './measure.ts'
import type { Rig } from './rig.ts'
import { captureFleet } from '../src/capture/capture.ts'
import { deliver } from '../src/deliver/deliver.ts'
import { leaseLength } from '../src/observe/session.ts'
import { captureMachine } from '../src/tmux/panes.ts'
import { interleave, timed } from './measure.ts'
import { captureAll, pasteAll, sourceFile } from './baseline.ts'
import { bundle, command, endServerAndPanes, openRig, tmux, until } from './rig.ts'

const atMost = (factor: number, plus = 0) => ({
  says: `≤ ${factor} ×${plus === 0 ? '' : ` + ${plus} ms`}`,
  holds: (ours: number, theirs: number) => ours <= factor * theirs + plus,
})

/** Measures `burn up` with 112 panes against `tmux source-file` with the same commands. */
export async function bringingUp(rig: Rig, machine: Machine, pairs: number): Promise<Compared> {
  const file = join(rig.dir, 'raise.tmux')
  writeFileSync(file, sourceFile(machine))
  const raw = `${rig.socket}-raw`
  const times = await interleave(
    pairs,
    async () => {
      await endServerAndPanes(rig.socket)
      return timed(() => rig.burn('up'))
    },
    async () => {
      await endServerAndPanes(rig.socket)
      const took = await timed(() =>
        command(['tmux', '-u', '-L', raw, 'new-session', '-d', '-s', machine.session, '-n', 'first', 'cat', ';', 'source-file', file]),
      )
      await endServerAndPanes(raw)
      return took
    },
  )
  return { name: 'burn up, 112 panes', ...times, against: 'tmux source-file of the same commands', limit: atMost(1.5, 150) }
}

const prompt = (index: number, round: number) => `Prompt ${round}.${index}\n${`${'words to work on '.repeat(4)}\n`.repeat(43)}`

/** Measures the delivery of 112 prompts of 3 KB, until each agent has logged its prompt. */
export async function delivering(rig: Rig, session: Session, channel: Tmux, pairs: number, where: string): Promise<Compared> {
  const machine = session.fleet.machines[0] as Machine
  const workers = machine.windows.flatMap((window) => window.workers)
  const panes = panesOf(rig, machine)
  let round = 0
  const whole = async (send: () => Promise<unknown>) => {
    round += 1
    const before = rig.received()
    const took = await timed(async () => {
      await send()
      await until(() => rig.received() >= before + panes.length)
    })
    await idle(rig, machine)
    return took
  }
  const ours = async () => {
    const texts = workers.map(({ id }, index) => ({ id: session.newId(), kind: 'send' as const, worker: id, text: prompt(index, round) }))
    await session.ledger.planDeliveries(texts, session.owner, Date.now() + leaseLength, Date.now())
    await deliver([machine], session, new AbortController().signal, { timeout: 5_000 })
    const { deliveries } = await session.ledger.deliveryView(session.owner)
    const left = deliveries.filter(({ state }) => state !== 'unknown').length
    if (left > 0) throw new Error(`${left} deliveries did not end`)
  }
  const times = await interleave(
    pairs,
    () => whole(ours),
    () => whole(() => pasteAll(channel, panes, (index) => prompt(index, round))),
  )
  return {
    name: `112 prompts of 3 KB, with proof, ${where}`,
    ...times,
    against: 'the same prompts, pasted without checks through one control-mode client',
    limit: atMost(2),
  }
}

async function idle(rig: Rig, machine: Machine): Promise<void> {
  await until(() => {
    const screens = panesOf(rig, machine).map((pane) => tmux(rig.socket, 'capture-pane', '-p', '-t', pane))
    return screens.every((screen) => /^❯\s*$/m.test(screen))
  })
}

/** Returns the panes of all workers. */
export function panesOf(rig: Rig, machine: Machine): string[] {
  const rows = tmux(rig.socket, 'list-panes', '-s', '-t', `=${machine.session}`, '-F', '#{pane_id} #{@burn_worker}').trim().split('\n')
  return rows.filter((row) => row.includes('/')).map((row) => row.split(' ')[0] ?? '')
}

/** Measures a snapshot of 112 panes with their screens. */
export async function sampling(rig: Rig, machine: Machine, channel: Tmux, pairs: number, where: string): Promise<Compared> {
  const panes = panesOf(rig, machine)
  const times = await interleave(
    pairs,
    () => timed(() => captureMachine(channel, machine)),
    () => timed(() => captureAll(channel, panes)),
  )
  return { name: `a snapshot of 112 panes, ${where}`, ...times, against: 'pipelined capture-pane alone', limit: atMost(1.5, 3) }
}

/**
 * Measures `captureFleet`: the styled rows of all panes over the open channel, their readings, and the masking of secrets. `burn capture
 * --all` then only writes files.
 */
export async function capturing(rig: Rig, session: Session, channel: Tmux, pairs: number): Promise<Compared> {
  const { machines } = session.fleet
  const panes = panesOf(rig, machines[0] as Machine)
  const times = await interleave(
    pairs,
    () => timed(() => captureFleet(machines, session, 0)),
    () => timed(() => channel.run(panes.map((pane) => [['capture-pane', '-p', '-e', '-N', '-t', pane]]))),
  )
  const limit = { says: '< 300 ms', holds: (ours: number) => ours < 300 }
  return { name: 'a capture of 112 panes with colours, over ssh', ...times, against: 'pipelined capture-pane -e alone', limit }
}

/** Measures `burn status` as a whole process. */
export async function statusCommand(rig: Rig, pairs: number): Promise<Compared> {
  const times = await againstNode(pairs, () => rig.burn('status'))
  return { name: 'burn status, 112 panes, whole process', ...times, limit: atMost(5) }
}

/** Measures the start of the command. */
export async function starting(pairs: number): Promise<Compared[]> {
  const rig = openRig([5, 5])
  try {
    await rig.burn('up')
    await rig.burn('christen')
    const version = await againstNode(pairs * 3, () => rig.burn('--version'))
    const status = await againstNode(pairs * 3, () => rig.burn('status'))
    const names = await againstNode(pairs * 3, () => rig.burn('__complete', '--', 'hold', ''))
    const options = await againstNode(pairs * 3, () => rig.burn('__complete', '--', 'sprint', 'run', '-'))
    return [
      { name: 'burn --version, whole process', ...version, limit: atMost(1.5) },
      { name: 'burn status, 10 panes, whole process', ...status, limit: atMost(3) },
      { name: 'completion of names, 10 panes, whole process', ...names, limit: atMost(2) },
      { name: 'completion of options, whole process', ...options, limit: atMost(2) },
    ]
  } finally {
    rig.close()
  }
}

async function againstNode(pairs: number, ours: () => Promise<unknown>) {
  const bare = () => command([process.execPath, '-e', '0'])
  const times = await interleave(
    pairs,
    () => timed(ours),
    () => timed(bare),
  )
  return { ...times, against: 'node -e 0' }
}

/** Measures an alternative to deliveries over ssh: a separate ssh for each pane. `ours`: the times of burn's deliveries, with proof. */
export async function sshPerPane(
  rig: Rig,
  ours: readonly number[],
  ssh: readonly string[],
  panes: readonly string[],
  pairs: number,
): Promise<Compared> {
  const some = panes.slice(0, 8)
  const theirs: number[] = []
  for (let pair = 0; pair < pairs; pair++) {
    const took = await timed(async () => {
      for (const pane of some) await command([...ssh, `tmux -L ${rig.socket} send-keys -t '${pane}' ''`])
    })
    theirs.push((took * panes.length) / some.length)
  }
  const limit = { says: '≥ 50 × faster', holds: (a: number, b: number) => b >= 50 * a }
  return {
    name: '112 prompts over ssh',
    ours,
    theirs,
    against: `one ssh … send-keys per pane (${some.length} measured, × ${panes.length / some.length})`,
    limit,
  }
}

export { bundle }
