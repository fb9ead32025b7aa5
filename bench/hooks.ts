/** `node bench/hooks.ts`: measures how long the process of an agent's hook runs: for one agent, and for 112 agents at once. */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hookScript } from '../src/agents/hook.ts'
import { table } from '../src/cli/table.ts'
import { endServer } from '../test/support/tmux.ts'
import { median, timed } from './measure.ts'

const workers = 112
const rounds = 41

const dir = mkdtempSync(join(tmpdir(), 'burn-hooks-'))
const socket = `burn-hooks-${process.pid}`
try {
  mkdirSync(join(dir, 'hooks'))
  writeFileSync(join(dir, 'hook'), hookScript, { mode: 0o700 })
  const tmux = (...words: readonly string[]) => execFileSync('tmux', ['-L', socket, ...words], { encoding: 'utf8' }).trim()
  tmux('-f', '/dev/null', 'new-session', '-d', '-x', '400', '-y', '400', 'cat')
  for (let pane = 1; pane < workers; pane++) tmux('split-window', 'cat', ';', 'select-layout', 'tiled')
  const panes = tmux('list-panes', '-s', '-F', '#{pane_id}').split('\n')
  const server = tmux('display-message', '-p', '#{socket_path},#{pid},0')
  const payload = JSON.stringify({ hook_event_name: 'UserPromptSubmit', prompt: `[burn 1m7y6ewdbs30w] ${'words to work on '.repeat(180)}` })
  const call = (pane: string) =>
    timed(
      () =>
        new Promise((done) => {
          const child = spawn(join(dir, 'hook'), ['UserPromptSubmit'], {
            env: { ...process.env, TMUX: server, TMUX_PANE: pane },
            stdio: ['pipe', 'ignore', 'ignore'],
          })
          child.stdin.end(payload)
          child.on('close', done)
        }),
    )
  const alone: number[] = []
  for (let round = 0; round < rounds; round++) alone.push(await call(panes[round % panes.length] ?? ''))
  const atOnce = (await Promise.all(panes.map(call))).toSorted((a, b) => a - b)
  const p99 = atOnce[Math.ceil(workers * 0.99) - 1] ?? Infinity
  const lines = table(
    ['WHAT', 'MEASURED', 'LIMIT', 'HOLDS'],
    [
      ['a hook alone, median', `${median(alone).toFixed(1)} ms`, '≤ 20 ms', median(alone) <= 20 ? 'yes' : 'no'],
      [`${workers} hooks at once, p99`, `${p99.toFixed(0)} ms`, '< 3000 ms', p99 < 3000 ? 'yes' : 'no'],
    ],
  )
  for (const line of lines) console.log(line)
} finally {
  endServer(socket)
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
}
