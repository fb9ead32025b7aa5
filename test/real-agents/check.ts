/**
 * Checks one real program: burn starts six panes of it, reads them and sends texts. The requests to the model server show whether all is
 * right.
 */
import { join } from 'node:path'
import type { OpenSession } from '../../src/cli/command.ts'
import type { Delivery } from '../../src/core/lifecycle.ts'
import type { ModelServer } from './model.ts'
import type { Expect, Verdict } from './verdict.ts'
import type { Place } from './fleet.ts'
import type { Program } from './programs.ts'
import { christen } from '../../src/operate/christen.ts'
import { bringUp } from '../../src/operate/up-down.ts'
import { fileOf } from '../../src/core/typed-line.ts'
import { checkCanary } from './canary.ts'
import { checkFailures } from './failures.ts'
import { dirOf, hooked, look, names, openFleet, send, settle } from './fleet.ts'
import { readCall } from './model.ts'
import { wrongWith } from './arrival.ts'
import { checkUsage, countsOf } from './usage.ts'
import { until } from './verdict.ts'
import { said } from '../support/reasons.ts'

/**
 * Texts of 10 B to 120 KB, with one line and many, and with special characters of terminals and shells. All but the first name their worker
 * at both ends.
 */
const texts: readonly ((whose: string) => string)[] = [
  (whose) => `Greet ${whose}.`,
  (whose) =>
    `For ${whose}: quotes ' " \` and $(nothing) and #{nothing} and ; and \\ and an emoji 🦊 stay.\n${'It goes on. '.repeat(8)}\nEnd for ${whose}.`,
  (whose) => `For ${whose}.\n${lines(80, 'nothing has to be done about this')}\nEnd for ${whose}.`,
  (whose) => `For ${whose}.\n${lines(1_000, 'many lines of about sixty-four characters each')}\nEnd for ${whose}.`,
  (whose) => `For ${whose}.\n${lines(1_500, 'one hundred and twenty thousand bytes, and none is missing at the end')}\nEnd for ${whose}.`,
]
/** The size (bytes) up to which every agent's tool shows a text whole. */
const shownWhole = 4_096

const lines = (count: number, words: string) => Array.from({ length: count }, (_, index) => `- point ${index}: ${words}`).join('\n')

/** The subject of a check, and the place of its findings. */
interface Subject {
  readonly program: Program
  readonly place: Place
  readonly model: ModelServer
  readonly expect: Expect
  readonly verdict: Verdict
  /** True if only the tokens are checked. */
  readonly onlyUsage: boolean
}

/** Runs all checks in panes. The findings are in `verdict`, so they survive if this ends early. */
export async function check({ program, place, model, expect, verdict, onlyUsage }: Subject): Promise<void> {
  model.counts = countsOf
  const open = await openFleet(program, place)
  const ended: Delivery[] = []
  try {
    await wake(open, expect, verdict)
    if (!onlyUsage) {
      for (const round of [0, 1]) ended.push(...(await sendIdle(open, place, model, expect, round)))
      for (const round of [0, 1]) ended.push(...(await sendBusy(open, place, model, expect, round)))
      await checkCanary(open, place, model, expect)
      await checkFailures(open, program, model, expect)
    }
    await checkUsage(program, { open, place, model, expect })
  } finally {
    verdict.proofs = [...Map.groupBy(ended, ({ state }) => state)].map(([state, some]) => `${some.length} ${state}`).join(', ')
    await open.close()
  }
}

async function wake({ session }: OpenSession, expect: Expect, verdict: Verdict): Promise<void> {
  const { machines } = session.fleet
  await bringUp(machines, session, { dryRun: false, prune: false })
  const began = performance.now()
  const workers = machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
  await christen(workers, session, AbortSignal.timeout(240_000), {
    parallel: null,
    dryRun: false,
    hooks: true,
    fresh: false,
    onWithoutHooks: (worker, why) => console.error(`${worker} runs without hooks: ${why}`),
    onOutcome: ({ worker, outcome, why }) => expect('readings', outcome === 'named', `christening of ${worker}: ${outcome}: ${why}`),
  })
  verdict.ready_ms = performance.now() - began
}

/** Returns a text for each pane, of different sizes. In two rounds every size goes to panes with hooks and without. */
function textsOf(round: number, when: string): ReadonlyMap<string, string> {
  const text = (index: number) => texts[((index % hooked.length) + round * hooked.length) % texts.length]
  return new Map(names.map((name, index) => [name, text(index)?.(`${name}${round}${when}`) ?? '']))
}

/** Sends texts to idle panes. The model of each reads the file with the agent's own tool. */
async function sendIdle(open: OpenSession, place: Place, model: ModelServer, expect: Expect, round: number): Promise<Delivery[]> {
  model.turn_ms = 1_500
  await expectIdle(open, expect, 'before texts to idle panes')
  const wanted = textsOf(round, 'i')
  const ended = await send(open, wanted, (id, name) => model.calling.set(id, readCall(join(dirOf(place, name), fileOf(id)))))
  await expectArrived(model, place, wanted, ended, expect)
  await settle(open, names, ({ state }) => state === 'idle')
  for (const { worker, id } of ended) {
    const text = wanted.get(worker.slice(-1)) ?? ''
    const sign = Buffer.byteLength(text) > shownWhole ? text.split('\n')[1] : text.split('\n').at(-1)
    if (text.includes('\n'))
      expect(
        'texts',
        model.asked.some(({ body }) => body.includes(sign ?? '')),
        `${worker} reads the file of ${id} with its own tool`,
      )
  }
  return ended
}

/** Sends texts while each pane has a running turn. */
async function sendBusy(open: OpenSession, place: Place, model: ModelServer, expect: Expect, round: number): Promise<Delivery[]> {
  model.turn_ms = 500
  await expectIdle(open, expect, 'before texts to busy panes')
  model.turn_ms = 12_000
  await send(open, new Map(names.map((name) => [name, `Take your time, ${name}, ${round}.`])))
  const idle = [...(await settle(open, names, ({ state }) => state === 'working', 5_000))]
  for (const name of names) {
    const found = idle.find(([each]) => each === name)?.[1]
    expect(
      'readings',
      found === undefined,
      `${name} while its model answers: ${found === undefined ? 'working' : `${found.state} (${found.evidence})`}`,
    )
  }
  model.turn_ms = 1_000
  const wanted = textsOf(round, 'b')
  const ended = await send(open, wanted)
  await expectArrived(model, place, wanted, ended, expect)
  return ended
}

async function expectIdle(open: OpenSession, expect: Expect, when: string): Promise<void> {
  const left = await settle(open, names, ({ state }) => state === 'idle')
  const seen = await look(open)
  for (const name of names) {
    const { state, evidence } = left.get(name) ?? seen.get(name) ?? { state: 'nowhere', evidence: '' }
    expect('readings', !left.has(name), `${name} ${when}: ${state} (${evidence})`)
  }
}

async function expectArrived(
  { asked }: ModelServer,
  place: Place,
  wanted: ReadonlyMap<string, string>,
  ended: readonly Delivery[],
  expect: Expect,
): Promise<void> {
  for (const { id } of ended) await until(() => asked.some(({ texts: all }) => all.some((each) => each.includes(id))), 90_000)
  for (const delivery of ended) {
    const name = delivery.worker.slice(-1)
    const text = wanted.get(name) ?? ''
    const others = names.filter((each) => each !== name).map((each) => dirOf(place, each))
    const wrong = wrongWith(asked, { id: delivery.id, text, dir: dirOf(place, name), others })
    const what = `${name}, ${Buffer.byteLength(text)} B, ${delivery.id} is ${delivery.state} (${said(delivery.evidence)}; Enter ${delivery.presses} times)`
    expect('texts', wrong === null && delivery.state === 'seen', `${what}: ${wrong ?? 'whole and once'}`)
  }
}
