/**
 * `node bench/watch.ts`: measures the CPU time and memory of `burn watch` with 112 workers, idle and printing ten lines per second, and the
 * delay of a change. It counts only the CPU time of the watching process, so that other load does not matter.
 */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { table } from '../src/cli/table.ts'
import { median } from './measure.ts'
import { bundle, openRig, root, tmux } from './rig.ts'

const idleSeconds = 30
const busySeconds = 20
const ticks = 100

/** The script of a stand-in agent. After the prompt `go` it prints ten lines per second. */
const chatter = `export async function turn(prompt, { print, sleep, signal }) {
  if (prompt.trim() !== 'go') return
  const end = Date.now() + ${(busySeconds + 15) * 1000}
  for (let line = 0; Date.now() < end && !signal.aborted; line++) {
    print('line ' + line)
    await sleep(100)
  }
}
`

interface Usage {
  readonly cpu: number
  readonly rss: number
}

function usageOf(pid: number): Usage {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0'
  return { cpu: (Number(fields[11]) + Number(fields[12])) / ticks, rss: Number(rss) / 1024 }
}

/** Returns the CPU use of a process during some seconds, in percent of one core, and its memory (MB). */
async function share(pid: number, seconds: number): Promise<{ percent: number; rss: number }> {
  const before = usageOf(pid)
  await sleep(seconds * 1000)
  const after = usageOf(pid)
  return { percent: ((after.cpu - before.cpu) / seconds) * 100, rss: after.rss }
}

const percentile = (sorted: readonly number[], percent: number) => sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? Infinity

const rig = openRig()
try {
  writeFileSync(join(rig.dir, 'chatter.mjs'), chatter)
  const agent = join(root, 'test/stand-ins/agent/agent.mjs')
  const command = [
    process.execPath,
    agent,
    '--log',
    join(rig.dir, 'agents/%p-%d.jsonl'),
    '--busy-mode',
    'queue',
    '--turn',
    join(rig.dir, 'chatter.mjs'),
  ]
  rig.writeSpec({}, { agent: { kind: 'hermes', command, busy_input_mode: 'queue', hooks: false } })
  await rig.burn('up')
  await rig.burn('christen', '--parallel', '16')
  const watching = spawn(process.execPath, [bundle, 'watch', '--json'], {
    env: { ...process.env, BURN_SPEC: join(rig.dir, 'fleet-spec.json'), HOME: join(rig.dir, 'home') },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const seen = new Map<string, number>()
  createInterface(watching.stdout).on('line', (line) => {
    const { worker, to } = JSON.parse(line) as { worker: string; to: string }
    if (to === 'working' && !seen.has(worker)) seen.set(worker, Date.now())
  })
  await sleep(5_000)
  const pid = watching.pid ?? 0
  const idle = await share(pid, idleSeconds)
  seen.clear()
  const sent = new Map<string, number>()
  const rows = tmux(rig.socket, 'list-panes', '-s', '-t', '=B', '-F', '#{pane_id} #{@burn_worker}').trim().split('\n')
  for (const [pane = '', worker = ''] of rows.map((row) => row.split(' ')).filter(([, id = '']) => id !== '')) {
    tmux(rig.socket, 'send-keys', '-t', pane, 'go', 'Enter')
    sent.set(worker, Date.now())
    await sleep(20)
  }
  await sleep(2_000)
  const busy = await share(pid, busySeconds)
  watching.kill()
  const delays = [...sent].map(([worker, at]) => (seen.get(worker) ?? Infinity) - at).toSorted((a, b) => a - b)
  const results = [
    ['112 workers idle', `${idle.percent.toFixed(2)} % of a core`, '< 1 %', idle.percent < 1],
    ['all printing ten lines per second', `${busy.percent.toFixed(2)} % of a core`, '< 5 %', busy.percent < 5],
    ['memory', `${Math.max(idle.rss, busy.rss).toFixed(0)} MB RSS`, '< 120 MB', Math.max(idle.rss, busy.rss) < 120],
    [
      'a change is shown after',
      `${median(delays).toFixed(0)} ms (p99 ${percentile(delays, 99).toFixed(0)} ms)`,
      '≤ 1500 ms',
      percentile(delays, 99) <= 1500,
    ],
  ] as const
  const lines = table(
    ['WHAT', 'MEASURED', 'LIMIT', 'HOLDS'],
    results.map(([what, measured, limit, holds]) => [what, measured, limit, holds ? 'yes' : 'no']),
  )
  for (const line of lines) console.log(line)
  process.exitCode = results.every(([, , , holds]) => holds) ? 0 : 1
} finally {
  rig.close()
}
