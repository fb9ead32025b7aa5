/** Keys, the state and the lines of the screen of `burn watch`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MachineReport, StatusReport, WorkerReport } from '../../src/decide/report.ts'
import { openIo } from '../../src/cli/io.ts'
import { readKeys, type PressedKey } from '../../src/cli/keys.ts'
import { LiveScreen } from '../../src/cli/live-screen.ts'
import { bodyOf, pageOf, watchLines } from '../../src/cli/watch-lines.ts'
import { firstView, press, settleView, withNotice, withQuestion, type List, type Step, type View } from '../../src/cli/watch-view.ts'
import { widthOf } from '../../src/cli/wrap.ts'
import { attacks, forbidden } from '../support/attacks.ts'

const now = Date.UTC(2026, 5, 1)

test('keys: reads keys, text and pastes, and keeps incomplete sequences', () => {
  const names = (text: string, isComplete = false) => {
    const { keys, rest } = readKeys(text, isComplete)
    return [keys.map((key) => (key.name === 'text' ? key.text : `<${key.name}>`)).join(' '), rest]
  }
  assert.deepEqual(names('j漢🚀\x1b[A\x1bOB\x1b[1;5A\x1b[5~\x1b[6~\r\x7f\x03'), [
    'j 漢 🚀 <up> <down> <up> <page_up> <page_down> <enter> <backspace> <interrupt>',
    '',
  ])
  assert.deepEqual(names('a\x1b'), ['a', '\x1b'])
  assert.deepEqual(names('\x1b', true), ['<escape>', ''])
  assert.deepEqual(names('\x1b[200~rm -rf\n/\x1b[201~q'), ['rm -rf / q', ''])
  assert.deepEqual(names('\x1b[200~half a\r'), ['', '\x1b[200~half a\r'])
  assert.deepEqual(names('\x1b[99;9u\x1b[12~\x01'), ['<other> <other> <other>', ''])
})

const list = (count: number, page: number): List => ({
  lines: Array.from({ length: count }, (_, index) => ({ key: `w${index}`, worker: index === 9 ? null : `w${index}` })),
  page,
})

/** Returns the state after the keys, and the steps that they asked for. */
function after(bytes: string, from: View, lines: List): { readonly view: View; readonly steps: Step[] } {
  const steps: Step[] = []
  const view = readKeys(bytes, true).keys.reduce((before: View, key: PressedKey) => {
    const pressed = press(before, key, lines)
    if (pressed.step !== null) steps.push(pressed.step)
    return pressed.view
  }, from)
  return { view, steps }
}

test('watch: the selection moves and scrolls by lines, pages and ends', () => {
  const at = (bytes: string) => {
    const { view } = after(bytes, firstView, list(10, 4))
    return [view.at, view.top, view.selected]
  }
  assert.deepEqual(at('jjk'), [1, 0, 'w1'])
  assert.deepEqual(at('\x1b[B\x1b[B\x1b[B\x1b[B'), [4, 1, 'w4'])
  assert.deepEqual(at('\x1b[6~'), [4, 1, 'w4'])
  assert.deepEqual(at('G'), [9, 6, 'w9'])
  assert.deepEqual(at('Gg'), [0, 0, 'w0'])
  assert.deepEqual(at('G\x1b[5~k'), [4, 4, 'w4'])
  assert.deepEqual(at('k'), [0, 0, 'w0'])
  assert.deepEqual(after('jG', firstView, list(0, 4)).view.at, 0)
})

test('watch: the selection stays on its worker when the order changes', () => {
  const { view } = after('jj', firstView, list(10, 4))
  const lines = list(10, 4).lines.toReversed()
  assert.deepEqual([settleView(view, { lines, page: 4 }).at, settleView(view, { lines, page: 4 }).top], [7, 4])
  assert.equal(settleView(firstView, { lines, page: 4 }).at, 0, 'without a selection the first line is selected')
  assert.equal(settleView(view, list(1, 4)).at, 0, 'its worker is gone')
})

test('watch: keys filter, attach, ask, show help and quit', () => {
  const lines = list(10, 4)
  assert.deepEqual(after('/ann\x7f q', firstView, lines).view.filter, 'an q')
  assert.deepEqual(after('/ann\rj', firstView, lines).view.mode, 'list')
  assert.deepEqual(after('/ann\x1b', firstView, lines).view.filter, '')
  assert.deepEqual(after('j\r', firstView, lines).steps, [{ do: 'attach', worker: 'w1' }])
  assert.deepEqual(after('ja', firstView, lines).steps, [{ do: 'ask', worker: 'w1' }])
  assert.deepEqual(after('G\r', firstView, lines).view.notice, 'This line is not a worker. Select a worker.')
  assert.deepEqual(after('?', firstView, lines).view.mode, 'help')
  assert.deepEqual(after('?q', firstView, lines), { view: firstView, steps: [] })
  for (const bytes of ['q', '\x03', '?\x03', '/x\x03']) assert.deepEqual(after(bytes, firstView, lines).steps, [{ do: 'quit' }], bytes)
  assert.deepEqual(after('\rjaq', firstView, lines).steps, [{ do: 'attach', worker: 'w0' }, { do: 'quit' }], 'busy')
})

test('watch: an answer goes to the question that was shown', () => {
  const question = { worker: 'w1', detail: 'approval', question: '1. yes\n2. no', mark: 'abc' }
  const asked = withQuestion(firstView, question)
  assert.deepEqual(after('\r', asked, list(1, 4)).steps, [])
  assert.deepEqual(after('qx\x15 2\r', asked, list(1, 4)).steps, [{ do: 'answer', question, choice: '2' }])
  assert.deepEqual(after('2\x1b', asked, list(1, 4)).view, firstView)
  const { mode, notice, busy } = withNotice(after('2\r', asked, list(1, 4)).view, 'accepted')
  assert.deepEqual([mode, notice, busy], ['list', 'accepted', false])
})

const worker = (id: string, more: Partial<WorkerReport> = {}): WorkerReport => ({
  id,
  role: 'worker',
  state: 'working',
  detail: null,
  since: new Date(now - 300_000).toISOString(),
  start_seen: true,
  evidence: 'its title spins',
  condition: null,
  live_dispatches: 0,
  issues: [],
  hold: null,
  question: null,
  texts: [],
  stopped: null,
  drift: null,
  ...more,
})

function reportOf(workers: readonly WorkerReport[]): StatusReport {
  const totals = { workers: workers.length, live_dispatches: 0, in_review: 0, stale: 0, held: 0 } as StatusReport['totals']
  const window = { name: 'W', lane: 'bugs', workers, totals }
  const machine: MachineReport = { name: 'mac', reachable: true, reason: null, remedy: null, windows: [window], retiring: [], totals }
  return { machines: [machine], sprints: [], backed_off: [], holds: [], unread: [], totals, needs_you: [], claimed_elsewhere: [] }
}

const workers = [
  worker('mac/W/WORKS', { issues: ['o/kettle#1'], live_dispatches: 1 }),
  worker('mac/W/NEVER', { state: 'dead', condition: 'not_started' }),
  worker('mac/W/STUCK', { state: 'idle', condition: 'idle_with_work', issues: ['o/kettle#2', 'o/kettle#3'], start_seen: false }),
  worker('mac/W/LIMIT', { state: 'error', detail: 'rate limit', condition: 'limited' }),
  worker('mac/W/ENDED', { state: 'dead' }),
  worker('mac/W/ASKS', { state: 'waiting', detail: 'approval', evidence: 'Allow?', question: 'Allow?\n❯ 1. Yes\n2. No' }),
]

function linesAt(width: number, height: number, report: StatusReport, view = firstView, colours = false) {
  const terminal = () => ({ width, height })
  const io = openIo({ out: () => {}, err: () => {}, input: async () => '', random: Math.random, terminal, colours })
  const shown = { report, fresh: new Set<string>(), now }
  const body = bodyOf(shown, view.filter, io)
  return watchLines({ shown, view: settleView(view, { lines: body.lines, page: pageOf(height) }), body, news: [] }, io, height)
}

test('watch: workers that need a person come first', () => {
  const lines = linesAt(90, 12, reportOf(workers))
  assert.deepEqual(lines.slice(1, 8), [
    '  WORKER  STATE              FOR          ISSUE          WHERE  EVIDENCE',
    '> ASKS    waiting: approval  5m                          mac/W  Allow? ❯ 1. Yes 2. No',
    '  ENDED   dead               5m                          mac/W  its title spins',
    '  LIMIT   usage limit        5m                          mac/W  its title spins',
    '  STUCK   idle with work     at least 5m  o/kettle#2 +1  mac/W  its title spins',
    '  WORKS   working            5m           o/kettle#1     mac/W  its title spins',
    '  NEVER   not started                                    mac/W  its title spins',
  ])
  assert.deepEqual(linesAt(90, 12, reportOf(workers), { ...firstView, filter: 'kettle WORK' }).slice(2, 5), [
    '> STUCK   idle with work     at least 5m  o/kettle#2 +1  mac/W  its title spins',
    '  WORKS   working            5m           o/kettle#1     mac/W  its title spins',
    '',
  ])
})

test('watch: each screen fits its terminal, with any text', () => {
  const hostile = attacks.join('x')
  const wild = workers.map((each) => ({ ...each, evidence: hostile, question: each.question === null ? null : hostile, hold: hostile }))
  const question = { worker: 'mac/W/ASKS', detail: hostile, question: `${hostile}\n`.repeat(20), mark: '1' }
  const report = reportOf([...wild, ...Array.from({ length: 20 }, (_, index) => worker(`mac/W/漢字${index}`))])
  for (const [width, height] of [
    [30, 8],
    [40, 16],
    [80, 24],
    [200, 50],
  ] as const)
    for (const view of [
      firstView,
      { ...firstView, filter: 'x' },
      withNotice(firstView, hostile),
      { ...firstView, mode: 'help' as const },
      withQuestion(firstView, question),
    ]) {
      const lines = linesAt(width, height, report, view)
      const drawn: string[] = []
      const io = openIo({
        out: (text) => void drawn.push(text),
        err: () => {},
        input: async () => '',
        random: Math.random,
        terminal: () => ({ width, height }),
      })
      new LiveScreen(io).draw(() => lines)
      assert.ok(lines.length <= height, `${lines.length} lines at ${width}×${height}`)
      const rows = drawn.join('').split(/\x1b\[[?\d;]*[A-Za-z]/)
      for (const row of rows) {
        assert.ok(widthOf(row) <= width, `${width}: ${row}`)
        assert.equal(forbidden.exec(row), null, JSON.stringify(row))
      }
    }
})

test('live screen: writes only lines that changed, and restores once', () => {
  const drawn: string[] = []
  let size = { width: 40, height: 10 }
  const io = openIo({
    out: (text) => void drawn.push(text),
    err: () => {},
    input: async () => '',
    random: Math.random,
    terminal: () => size,
  })
  const screen = new LiveScreen(io)
  const wrote = (...lines: readonly string[]) => {
    drawn.length = 0
    screen.draw(() => lines)
    return drawn.join('')
  }
  assert.equal(wrote('a', 'b', 'c'), '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?2004h\x1b[2J\x1b[1;1Ha\x1b[K\x1b[2;1Hb\x1b[K\x1b[3;1Hc\x1b[K')
  assert.equal(wrote('a', 'B'), '\x1b[2;1HB\x1b[K\x1b[3;1H\x1b[K')
  assert.equal(wrote('a', 'B'), '')
  size = { width: 20, height: 5 }
  assert.equal(wrote('a', 'B'), '\x1b[2J\x1b[1;1HTerminal too small\x1b[K\x1b[2;1H20×5, needs 30×8\x1b[K')
  drawn.length = 0
  screen.close()
  screen.close()
  assert.equal(drawn.join(''), '\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[?1049l')
})
