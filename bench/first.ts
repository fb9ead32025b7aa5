/** Measures the time from an empty home to an issue in an agent's pane. */
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Compared } from './measure.ts'
import { interleave, timed } from './measure.ts'
import { bundle, endServerAndPanes, root, tmux, until } from './rig.ts'

/** An empty home with the stand-in agent on PATH. */
function bareHome() {
  const dir = mkdtempSync(join(tmpdir(), 'burn-first-'))
  for (const name of ['bin', 'home', 'logs']) mkdirSync(join(dir, name))
  const agent = join(dir, 'bin/hermes')
  const log = join(dir, 'logs/%d.jsonl')
  writeFileSync(agent, `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'test/stand-ins/agent/agent.mjs')}' --log '${log}' "$@"\n`)
  chmodSync(agent, 0o755)
  return {
    dir,
    agent,
    env: { HOME: join(dir, 'home'), PATH: `${join(dir, 'bin')}:${process.env['PATH'] ?? ''}`, LC_ALL: 'C.UTF-8' },
    /** Whether the log of an agent contains a text. */
    logged: (text: string) => readdirSync(join(dir, 'logs')).some((name) => readFileSync(join(dir, 'logs', name), 'utf8').includes(text)),
    remove: () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }),
  }
}

/** Returns the duration (ms) of `burn init --folder --yes && burn start`, until an agent has the issue. */
async function withBurn(): Promise<number> {
  const home = bareHome()
  const fleet = join(home.dir, basename(home.dir))
  mkdirSync(fleet)
  const burn = `'${process.execPath}' '${bundle}'`
  const running = { pid: 0, ended: Promise.resolve() }
  try {
    return await timed(async () => {
      const child = spawn('sh', ['-c', `${burn} init --folder --yes && exec ${burn} start`], { cwd: fleet, env: home.env, stdio: 'ignore' })
      running.pid = child.pid ?? 0
      running.ended = new Promise((done) => child.once('close', () => done()))
      await until(() => home.logged('You have one issue to work on'))
    })
  } finally {
    process.kill(running.pid, 'SIGTERM')
    await running.ended
    await endServerAndPanes(`burn-${basename(home.dir)}`)
    home.remove()
  }
}

/** Returns the duration (ms) of the same with plain tmux: a session with the agent, and one typed line. */
async function withTmux(): Promise<number> {
  const home = bareHome()
  const socket = basename(home.dir)
  try {
    return await timed(async () => {
      tmux(socket, 'new-session', '-d', '-s', 't', home.agent)
      await until(() => home.logged('"ready"'))
      tmux(socket, 'send-keys', '-t', 't', 'Work on issue 1.', 'Enter')
      await until(() => home.logged('Work on issue 1.'))
    })
  } finally {
    await endServerAndPanes(socket)
    home.remove()
  }
}

/** Measures the first issue of a new fleet. */
export async function firstIssue(pairs: number): Promise<Compared[]> {
  const times = await interleave(pairs, withBurn, withTmux)
  const limit = { says: '< 10 s', holds: (ours: number) => ours < 10_000 }
  const name = 'burn init --folder --yes && burn start, from an empty home to an issue in a pane'
  return [{ name, ...times, against: 'tmux new-session with the agent, then send-keys of one line', limit }]
}
