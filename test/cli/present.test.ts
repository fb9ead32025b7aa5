/** Tests what commands print, without a fleet. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StatusReport } from '../../src/decide/report.ts'
import { interruptCommand } from '../../src/cli/commands/restart.ts'
import { statusCommand } from '../../src/cli/commands/status.ts'
import { openIo } from '../../src/cli/io.ts'
import { isMereLease, drainLease, loopLease, startLease } from '../../src/decide/stops.ts'

/** Returns an output with a terminal of 80 columns, and the text that was printed to it. */
function terminal() {
  const printed = { text: '' }
  const add = (text: string) => void (printed.text += text)
  const io = openIo({ out: add, err: add, input: async () => '', random: Math.random, terminal: () => ({ width: 80, height: 24 }) })
  return { io, printed }
}

const why = 'issues are disabled in acme/app: enable issues in the settings of the repo on the forge, or remove the repo from the spec'
const totals = { working: 0, idle: 0, waiting: 0, error: 0, starting: 0, dead: 0, unknown: 0, unreachable: 0 }
// The report has only the fields that the test needs.
const report = {
  machines: [],
  totals,
  sprints: [],
  holds: [],
  unread: [],
  claimed_elsewhere: [],
  needs_you: [],
  backed_off: [{ subject: 'acme/app', until: new Date(60_000).toISOString(), why: { code: 'prose', text: why } }],
} as unknown as StatusReport

test('status: shows a remedy whole on 80 columns', () => {
  const { io, printed } = terminal()
  statusCommand.present(report, io, { machine: [], watch: false, interval: 2000 }, 0)
  assert.ok(printed.text.replaceAll(/\s+/g, ' ').includes(why), printed.text)
  assert.ok(printed.text.split('\n').every((line) => line.length <= 80))
})

test('status: --watch replaces lines and never clears the screen', () => {
  const { io, printed } = terminal()
  statusCommand.present(report, io, { machine: [], watch: true, interval: 2000 }, 0)
  assert.ok(printed.text.startsWith('\u001b[H\u001b[K'))
  assert.ok(!printed.text.includes('\u001b[2J'))
  assert.match(printed.text, /\n\u001b\[J/)
})

test('interrupt: names the next step if the turn continues', () => {
  const { io, printed } = terminal()
  const reading = { state: 'working', detail: null, evidence: 'Working (9s)' } as const
  interruptCommand.present({ worker: 'box/W/ANN', outcome: 'working', reading, presses: 2 }, io, { worker: 'ANN' }, 0)
  assert.match(printed.text, /burn attach box\/W\/ANN.*burn restart box\/W\/ANN --now/)
})

test('job list: leases of workers are no jobs', () => {
  assert.deepEqual(
    [startLease, drainLease, loopLease].map((lease) => isMereLease(lease('box/W/ANN'))),
    [true, true, false],
  )
  assert.equal(isMereLease('collect box'), false)
})
