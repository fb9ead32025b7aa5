/** Tests how agents that are blocked at a menu or a prompt are read and answered. The screens have the structure of real ones. */
import type { Keystrokes, PaneFacts } from '../../src/core/agent.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { paneAgent } from '../../src/agents/index.ts'
import { matchChoice } from '../../src/agents/menu.ts'

const facts: PaneFacts = { width: 80, height: 30, title: '', command: 'node', dead: false, cursor_x: 0, cursor_y: 29 }
const rule = '─'.repeat(80)

/** Returns the rows of a box, 60 columns wide. */
const boxed = (...rows: readonly string[]) => [`╭${'─'.repeat(58)}╮`, ...rows.map((row) => `│ ${row.padEnd(56)} │`), `╰${'─'.repeat(58)}╯`]

const keysOf = (keys: readonly Keystrokes[] | null) =>
  keys?.map((each) => ('key' in each ? each.key : 'type' in each ? each.type : `paste ${each.paste}`)) ?? null

interface Blocked {
  readonly kind: string
  readonly rows: readonly string[]
  /** Rows of the question. */
  readonly asks: readonly string[]
  readonly answer: string
  readonly keys: readonly string[]
  readonly pane?: Partial<PaneFacts>
}

const blocked: Readonly<Record<string, Blocked>> = {
  'codex asks for a login': {
    kind: 'codex',
    rows: [
      '',
      '  Hello from Codex',
      '',
      '  How do you pay?',
      '',
      '> 1. With a plan',
      '     Best value',
      '',
      '  2. With a key',
      '',
      '  Press enter to continue',
    ],
    asks: ['> 1. With a plan', '2. With a key'],
    answer: 'with a key',
    keys: ['Down', 'Enter'],
  },
  'gemini asks for a login': {
    kind: 'gemini',
    rows: [
      ' Gemini CLI v0.61.0',
      '',
      ...boxed('? Begin', '', '  Which account?', '', '  ● 1. A personal one', '    2. A key', '', '  (Use Enter to select)'),
      '',
      'Press Ctrl+C again to exit.',
    ],
    asks: ['● 1. A personal one', '2. A key'],
    answer: '2',
    keys: ['Down', 'Enter'],
    pane: { title: '◇  Ready (w)' },
  },
  'qwen asks for a provider': {
    kind: 'qwen',
    rows: [
      '  ● A notice',
      '  ┌────────────────────────────┐',
      ...['Connect', '', '› First maker', '  Its plan', '', '  Other makers', '  Their keys', '', '  By hand', '  A server'].map(
        (row) => `  │ ${row.padEnd(26)} │`,
      ),
      '  └────────────────────────────┘',
    ],
    asks: ['Connect', '❯ 1. First maker', '  Its plan', '  2. Other makers', '  3. By hand'],
    answer: 'by hand',
    keys: ['Down', 'Down', 'Enter'],
  },
  'claude asks for trust without numbers': {
    kind: 'claude',
    rows: [
      '',
      rule,
      ' This folder:',
      '',
      ' /w',
      '',
      ' May it be read?',
      '',
      ' ❯ No, leave',
      '   Yes, read it',
      '',
      ' Enter to confirm · Esc to cancel',
    ],
    asks: ['May it be read?', '❯ 1. No, leave', '2. Yes, read it'],
    answer: 'yes',
    keys: ['Down', 'Enter'],
  },
  'hermes asks for its set-up': {
    kind: 'hermes',
    rows: ['Nothing is set up.', '', '  Run:  hermes setup', '', 'Begin now? [Y/n]'],
    asks: ['Nothing is set up.', 'Begin now? [Y/n]'],
    answer: 'n',
    keys: ['n', 'Enter'],
    pane: { command: 'python', cursor_x: 17, cursor_y: 4 },
  },
  'hermes shows a picker in another language': {
    kind: 'hermes',
    rows: ['● hello', 'Fertig.', ...boxed('Welches Modell?', '', '❯ eins', '  zwei', '  Abbrechen'), '', rule, '⚔', rule],
    asks: ['Welches Modell?', '❯ 1. eins', '2. zwei', '3. Abbrechen'],
    answer: 'zwei',
    keys: ['Down', 'Enter'],
    pane: { command: 'python' },
  },
  'a custom agent asks for a login': {
    kind: 'custom',
    rows: ['', ' Nobody is signed in.', '', ' Choose:', ' > 1. An account', '   2. A project', '', ' [Arrow keys, Enter]'],
    asks: ['> 1. An account', '2. A project'],
    answer: '2',
    keys: ['2', 'Enter'],
  },
  'hermes confirms a command': {
    kind: 'hermes',
    rows: [
      ...boxed('Forget all?', '', '❯ [1] Approve Once', '  [2] Always Approve', '  [3] Cancel'),
      '  a hint (12s)',
      ' ☤ stub │ 1% │ 2s │ ⏲ 1s',
      rule,
      '⚠ ❯',
      rule,
    ],
    asks: ['❯ [1] Approve Once', '[3] Cancel'],
    answer: '[2] Always Approve',
    keys: ['2'],
    pane: { command: 'python' },
  },
}

for (const [title, { kind, rows, asks, answer, keys, pane }] of Object.entries(blocked)) {
  test(`menus: ${title}`, () => {
    const agent = paneAgent({ kind })
    const seen = agent.parseScreen(rows, { ...facts, ...pane })
    assert.equal(seen.reading.state, 'waiting', seen.reading.evidence)
    for (const row of asks)
      assert.ok(
        seen.question?.split('\n').some((each) => each.includes(row)),
        `${row} in:\n${seen.question}`,
      )
    assert.doesNotMatch(seen.question ?? '', /[│╭╰┌└]/)
    assert.deepEqual(keysOf(agent.answer?.(answer, seen) ?? null), keys)
  })
}

test('menus: a choice is named by number, bracketed number or text', () => {
  const question = 'Run it?\n❯ [1] Approve Once\n  [2] Always Approve\n  [3] Cancel'
  for (const wanted of ['1', '[1]', '[1] Approve Once', 'approve once', 'Approve']) assert.equal(matchChoice(question, wanted), '1', wanted)
  for (const wanted of ['4', '[4]', 'a', '[1] Cancel them']) assert.equal(matchChoice(question, wanted), null, wanted)
})

test('menus: no menu is read from a transcript', () => {
  const rows = ['❯ pick one', '● Choose:', '  1. first', '  2. second', '', '✻ Brewing… (3s)']
  for (const kind of ['claude', 'codex', 'gemini', 'hermes', 'pi', 'qwen'])
    assert.notEqual(paneAgent({ kind }).parseScreen(rows, facts).reading.state, 'waiting', kind)
})

test('menus: an agent that left a shell has ended', () => {
  const exits: Readonly<Record<string, readonly string[]>> = {
    codex: ['Session ID: 0-1', '$'],
    gemini: ['Done.', 'box:~/w$'],
    hermes: ['', 'See you.', 'box % '],
    claude: ['It did not start.', 'sh-5.2#'],
  }
  for (const [kind, rows] of Object.entries(exits)) {
    const pane = { ...facts, command: 'bash', cursor_x: (rows.at(-1) ?? '').length + 1, cursor_y: rows.length - 1 }
    const { reading } = paneAgent({ kind }).parseScreen(rows, pane)
    assert.deepEqual([reading.state, reading.detail], ['dead', 'shell'], kind)
    // A shell that prints before it starts the agent leaves its cursor at the start of a row.
    const starting = paneAgent({ kind }).parseScreen(['Welcome to box'], { ...pane, cursor_x: 0, cursor_y: 1 })
    assert.equal(starting.reading.state, 'starting', kind)
  }
})
