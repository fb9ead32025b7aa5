/** Measures a sprint without its model and commands against a script with git and curl, and the memory of 20 concurrent sprints. */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Compared } from './measure.ts'
import type { Sprint } from '../src/core/sprint.ts'
import { brainOf } from '../test/sprint/brain.ts'
import { secrets, sprintRig, type SprintRig } from '../test/sprint/rig.ts'
import { interleave, timed } from './measure.ts'
import { bundle, command } from './rig.ts'

/** Number of files in the repo. */
const files = 1000
const atOnce = 20
/** Maximum duration (ms) of a sprint without its model and commands. */
const maxDuration = 1500
/** Maximum memory (MB) of 20 concurrent sprints. */
const maxMemory = 300

/** Measures sprints. Their check takes no time and their model answers at once, so that only burn's own time is measured. */
export async function sprinting(pairs: number): Promise<Compared[]> {
  const ends: (() => unknown)[] = []
  try {
    const issues = Array.from({ length: pairs + 1 + 2 * atOnce }, (_, index) => ({
      title: `Issue ${index}`,
      body: 'words to work on '.repeat(40),
    }))
    const tree = Object.fromEntries(Array.from({ length: files }, (_, index) => [`src/d${index % 40}/f${index}.txt`, `line\n`.repeat(20)]))
    const rig = await sprintRig(
      { after: (end: unknown) => void ends.push(end as () => unknown) },
      { issues, script: brainOf(() => 'plain', { conflict: () => {}, taken_branch: () => {} }), files: tree, check: 'true' },
    )
    let next = 0
    await one(rig, (next += 1), [])
    const whole: number[] = []
    const byHand = await scriptFor(rig)
    const times = await interleave(pairs - 1, () => one(rig, (next += 1), whole), byHand)
    const memory = await twentyAtOnce(rig)
    return [
      {
        name: `a sprint from claim to end, cached mirror of ${files} files, check \`true\``,
        ...times,
        against: 'git fetch, worktree, commit, push, and two requests by curl',
        limit: { says: `≤ ${maxDuration} ms`, holds: (ours) => ours <= maxDuration },
      },
      {
        name: 'such a sprint, measured as a whole process',
        ours: whole.slice(1),
        theirs: times.theirs,
        against: 'git fetch, worktree, commit, push, and two requests by curl',
        limit: { says: 'none', holds: () => true },
      },
      {
        name: `memory of ${atOnce} sprints at a time, one process (MB)`,
        ours: [memory],
        theirs: [],
        against: '',
        limit: { says: `< ${maxMemory} MB`, holds: (ours) => ours < maxMemory },
      },
    ]
  } finally {
    for (const end of ends.toReversed()) await end()
  }
}

/** Runs one sprint. Returns the time (ms) from its claim to its end. Adds the duration of the whole process to `whole`. */
async function one({ env }: SprintRig, issue: number, whole: number[]): Promise<number> {
  let row: Sprint | undefined
  const took = await timed(async () => {
    const output = await command([process.execPath, bundle, 'sprint', 'run', '--json', '--issue', `app#${issue}`], env)
    row = (JSON.parse(output) as { sprints: readonly Sprint[] }).sprints[0]
  })
  if (row?.outcome !== 'change') throw new Error(`issue ${issue}: ${row?.failure_text ?? 'no result'}`)
  whole.push(took)
  return (row.ended_at ?? 0) - row.started_at
}

/**
 * Returns a function that runs a script with the same requests and the same commit as a sprint, but without a claim, a sandbox or a record.
 */
async function scriptFor({ dir, forge }: SprintRig): Promise<() => Promise<number>> {
  const mirror = join(dir, 'by-hand.git')
  const url = forge.url.replace('http://', `http://burn:${secrets.forge}@`)
  const env = { HOME: join(dir, 'home') }
  const git = (...args: string[]) => command(['git', ...args], env)
  const headers = ['-H', `Authorization: token ${secrets.forge}`, '-H', 'Content-Type: application/json']
  const post = (path: string, body: object) =>
    command(['curl', '-fsS', ...headers, '-d', JSON.stringify(body), `${forge.url}/api/v1/repos/acme/app/${path}`], env)
  await git('clone', '--quiet', '--bare', `${url}/acme/app.git`, mirror)
  let count = 0
  return () =>
    timed(async () => {
      count += 1
      const [tree, branch] = [join(dir, `by-hand-${count}`), `by-hand-${count}`]
      await post(`issues/${count}/comments`, { body: 'mine' })
      await git('-C', mirror, 'fetch', '--quiet', 'origin', 'main')
      await git('-C', mirror, 'worktree', 'add', '--quiet', '-b', branch, tree, 'main')
      writeFileSync(join(tree, 'note.md'), 'done\n')
      await git('-C', tree, 'add', '-A')
      await git('-C', tree, '-c', 'user.name=me', '-c', 'user.email=me@example.com', 'commit', '--quiet', '-m', 'work')
      await git('-C', tree, 'push', '--quiet', `${url}/acme/app.git`, branch)
      await post('pulls', { head: branch, base: 'main', title: 'work', body: 'work' })
      await git('-C', mirror, 'worktree', 'remove', '--force', tree)
    })
}

/** Returns the peak memory of the process (MB), without its commands, which are other processes. */
async function twentyAtOnce(rig: SprintRig): Promise<number> {
  const args = [bundle, 'sprint', 'run', '--json', '--jobs', String(atOnce), '--count', String(2 * atOnce)]
  const child = spawn(process.execPath, args, { env: { PATH: process.env['PATH'], ...rig.env }, stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  const over = new Promise<void>((done) => child.once('close', () => done()))
  let peak = 0
  while (child.exitCode === null) {
    peak = Math.max(peak, peakOf(child.pid ?? 0))
    await sleep(50)
  }
  await over
  const { sprints } = JSON.parse(out) as { sprints: readonly Sprint[] }
  const good = sprints.filter(({ outcome }) => outcome === 'change').length
  if (good !== 2 * atOnce) throw new Error(`${good} of ${2 * atOnce} sprints ended in a change`)
  return peak
}

/** Returns the peak memory of a process (MB); 0 if the process has ended. */
function peakOf(pid: number): number {
  try {
    const [, kilobytes = '0'] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kilobytes) / 1024
  } catch {
    return 0
  }
}
