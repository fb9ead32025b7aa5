/** Tests that the stand-ins for other agents behave as the real programs do. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { paneAgent } from '../../../src/agents/index.ts'
import { scratch, until } from '../../support/fleet.ts'
import { jsonLines } from '../../support/json-lines.ts'
import { raised } from '../../tmux/conformance.ts'
import { standInFile } from '../files.ts'

interface Line {
  readonly event: string
  readonly text?: string
  readonly answer?: string
}

/** Starts a stand-in in a pane of its own. `paste` pastes a text between brackets, as one. */
async function agent(t: TestContext, kind: string, ...flags: readonly string[]) {
  const file = join(scratch(t), 'log.jsonl')
  const { tmux: server } = await raised(t)
  const tmux = async (...commands: readonly (readonly string[])[]) => {
    const [reply] = await server.run([commands])
    if (reply?.ok !== true) throw new Error(`tmux: ${reply?.error}`)
    return reply.lines
  }
  const program = standInFile('others')
  const command = [process.execPath, program, '--as', kind, '--log', file, ...flags]
  await tmux(['resize-window', '-t', pane, '-x', '120', '-y', '30'], ['respawn-pane', '-k', '-t', pane, ...command])
  const log = () => jsonLines<Line>(file)
  await until('it is ready', () => log().some(({ event }) => event === 'ready'))
  return {
    log,
    screen: async () => (await tmux(capture)).join('\n'),
    look: async (as: string) => {
      const [facts = '', ...rows] = await tmux(
        ['display-message', '-p', '-t', pane, '#{cursor_x} #{cursor_y} #{pane_current_command} #{pane_title}'],
        capture,
      )
      const [x, y, command = '', ...title] = facts.split(' ')
      const seen = { width: 120, height: 30, dead: false, cursor_x: Number(x), cursor_y: Number(y), command, title: title.join(' ') }
      return paneAgent({ kind: as }).parseScreen(rows, seen).reading
    },
    title: async () => (await tmux(['display-message', '-p', '-t', pane, '#{pane_title}'])).join(),
    keys: async (...keys: readonly string[]) => void (await tmux(['send-keys', '-t', pane, ...keys])),
    paste: async (text: string) =>
      void (await tmux(['set-buffer', '-b', 'x', '--', `\x1b[200~${text}\x1b[201~`], ['paste-buffer', '-d', '-r', '-b', 'x', '-t', pane])),
    logged: (event: string) => until(event, () => log().some((line) => line.event === event)),
  }
}

const pane = '=T:'
const capture = ['capture-pane', '-p', '-t', pane]
const big = Array.from({ length: 60 }, (_, index) => `line ${index} of a long prompt with some words in it`).join('\n')
const collapsed: Readonly<Record<string, RegExp>> = {
  claude: /\[Pasted text #1 \+59 lines\]/,
  codex: /\[Pasted Content \d+ chars\]/,
  gemini: /\[Pasted Text: 60 lines\]/,
  opencode: /\[Pasted ~60 lines\]/,
  qwen: /\[Pasted Content \d+ chars\]/,
  pi: /\[paste #1 \+60 lines\]/,
}

for (const kind of Object.keys(collapsed)) {
  test(`${kind}: reads a turn that a rate limit ended`, async (t) => {
    const { keys, look } = await agent(t, kind, '--turn-ms', '50', '--rate-limit', 'too much')
    await keys('-l', 'too much of it')
    await until('Enter takes effect', async () => {
      await keys('Enter')
      const { state, detail } = await look(kind)
      return state === 'error' && detail === 'rate limit'
    })
  })

  test(`${kind}: a long paste collapses, and arrives whole and once`, async (t) => {
    const { keys, paste, screen, log, logged } = await agent(t, kind, '--turn-ms', '50')
    await keys('-l', '[tag] ')
    await paste(big)
    await until('it collapsed', async () => {
      const shown = await screen()
      return collapsed[kind]?.test(shown) === true && shown.includes('[tag]')
    })
    await until('Enter takes effect', async () => {
      await keys('Enter')
      return log().some(({ event }) => event === 'received')
    })
    await logged('turn_end')
    const got = log().filter(({ event }) => event === 'received')
    assert.deepEqual(
      got.map(({ text }) => text),
      [`[tag] ${big}`],
    )
  })
}

test('gemini: swallows an Enter right after a paste', async (t) => {
  const { keys, paste, log, logged, title } = await agent(t, 'gemini', '--turn-ms', '600')
  assert.match(await title(), /Ready/)
  await paste('short')
  await keys('Enter')
  await logged('swallowed')
  assert.equal(
    log().some(({ event }) => event === 'received'),
    false,
  )
  await until('it works', async () => {
    await keys('Enter')
    return (await title()).includes('Working')
  })
})

test('claude: an open approval loses a paste, and Enter answers it', async (t) => {
  const { keys, paste, log, logged } = await agent(t, 'claude', '--approve-every', '1', '--turn-ms', '50')
  await paste('clean up')
  await keys('Enter')
  await logged('asked')
  await paste('a second prompt')
  await logged('lost')
  await keys('Enter')
  await logged('turn_end')
  assert.equal(log().find(({ event }) => event === 'answered')?.answer, 'Yes, allow once')
  assert.equal(log().filter(({ event }) => event === 'received').length, 1)
})

test('codex: Enter interrupts a turn, Ctrl-C exits', async (t) => {
  const { keys, paste, logged, title } = await agent(t, 'codex', '--turn-ms', '5000')
  await paste('one')
  await keys('Enter')
  await until('the title spins', async () => /^[\u2801-\u28ff] /u.test(await title()))
  await paste('two')
  await keys('Enter')
  await logged('interrupted')
  await keys('C-c')
  await logged('exit')
})

test('pi: sends a draft and a paste together', async (t) => {
  const { keys, paste, log, logged } = await agent(t, 'pi', '--turn-ms', '50')
  await keys('-l', 'half a thought ')
  await paste('and a prompt')
  await until('both arrived', async () => {
    await keys('Enter')
    return log().some(({ event }) => event === 'received')
  })
  await logged('received')
  assert.equal(log().find(({ event }) => event === 'received')?.text, 'half a thought and a prompt')
})
