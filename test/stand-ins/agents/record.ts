/**
 * `node test/stand-ins/agents/record.ts` records the screens of every stand-in in every state, at four sizes, in a real tmux. It writes
 * them to test/agents/screens/ with their labels. Run it by hand after a change of a stand-in.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { endServer } from '../../support/tmux.ts'

const socket = `burn-record-${process.pid}`
const program = resolve(import.meta.dirname, 'main.mjs')
const folder = resolve(import.meta.dirname, '../../agents/screens')
const sizes = [
  [57, 12],
  [80, 24],
  [120, 30],
  [200, 50],
] as const
const kinds = ['claude', 'codex', 'gemini', 'opencode', 'pi', 'qwen'] as const

const tmux = (...words: readonly string[]) =>
  execFileSync('tmux', ['-u', '-L', socket, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const rows: string[] = []

function keep(kind: string, session: string, state: string, composer: string, detail: string): void {
  const facts = tmux(
    'display-message',
    '-p',
    '-t',
    session,
    '#{pane_width}\t#{pane_height}\t#{cursor_x}\t#{cursor_y}\t#{pane_current_command}\t#{pane_title}',
  ).replace(/\n$/, '')
  const [width = '', height = '', x = '', y = '', command = '', title = ''] = facts.split('\t')
  const file = `${kind}/${state}-${composer}${detail === '' ? '' : `-${detail}`}-${width}x${height}.txt`
  mkdirSync(join(folder, kind), { recursive: true })
  writeFileSync(join(folder, file), tmux('capture-pane', '-p', '-t', session))
  rows.push([file, kind, 'stand-in', state, detail, composer, width, height, title, command, '0', x, y].join('\t'))
}

/** Types a text and presses Enter, with pauses in which the stand-in accepts Enter and draws its screen. */
async function enter(session: string, text: string): Promise<void> {
  tmux('send-keys', '-t', session, '-l', text)
  await sleep(600)
  tmux('send-keys', '-t', session, 'Enter')
  await sleep(300)
}

async function record(kind: string, width: number, height: number): Promise<void> {
  const session = `${kind}-${width}`
  tmux(
    'new-session',
    '-d',
    '-s',
    session,
    '-x',
    String(width),
    '-y',
    String(height),
    process.execPath,
    program,
    '--as',
    kind,
    '--turn-ms',
    '2500',
    '--approve-every',
    '2',
    '--fail',
    'boom',
  )
  await sleep(600)
  keep(kind, session, 'idle', 'empty', 'fresh')
  tmux('send-keys', '-t', session, '-l', 'half a thought')
  await sleep(300)
  keep(kind, session, 'idle', 'draft', '')
  await enter(session, ' and the rest')
  keep(kind, session, 'working', 'empty', '')
  await enter(session, 'the next one')
  keep(kind, session, 'working', 'empty', 'queued')
  await sleep(2_000)
  // pi asks for no approval, so its second turn is running.
  if (kind === 'pi') keep(kind, session, 'working', 'empty', 'second')
  else {
    keep(kind, session, 'waiting', 'absent', 'approval')
    tmux('send-keys', '-t', session, 'Enter')
  }
  await sleep(3_500)
  keep(kind, session, 'idle', 'empty', 'after')
  await enter(session, 'boom')
  await sleep(3_000)
  keep(kind, session, 'error', 'empty', '')
}

try {
  for (const [width, height] of sizes) await Promise.all(kinds.map((kind) => record(kind, width, height)))
  const labels = join(folder, 'labels.tsv')
  const [head = '', ...before] = readFileSync(labels, 'utf8').trimEnd().split('\n')
  const others = before.filter((line) => !kinds.some((kind) => line.startsWith(`${kind}/`)))
  writeFileSync(labels, `${[head, ...others, ...rows.toSorted()].join('\n')}\n`)
  console.log(`${rows.length} screens`)
} finally {
  endServer(socket)
}
