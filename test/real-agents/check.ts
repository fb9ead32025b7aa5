/** One real program: six panes of it raised, read and prompted through the product's own code; judged by what the model server was asked. */
import type { OpenSession } from '../../src/cli/context.ts'
import type { Delivery } from '../../src/core/lives.ts'
import type { ModelServer } from './model.ts'
import type { Expect, Verdict } from './verdict.ts'
import type { Place } from './fleet.ts'
import type { Program } from './programs.ts'
import { christen } from '../../src/run/christen.ts'
import { raise } from '../../src/run/raise.ts'
import { checkCanary } from './canary.ts'
import { checkFailures } from './failures.ts'
import { hooked, look, names, openFleet, send, settle } from './fleet.ts'
import { until } from './verdict.ts'

/** Texts of 10 B to 120 KB: one line and many, and what has a meaning to terminals and shells. */
const texts: readonly string[] = [
  'Say hello.',
  `Quotes ' " \` and $(nothing) and #{nothing} and ; and \\ and an emoji 🦊 stay as they are. ${'One line that goes on. '.repeat(5)}`,
  `A list:\n${Array.from({ length: 80 }, (_, index) => `- point ${index}: nothing has to be done about it`).join('\n')}`,
  `${'Many words on many lines, sixty-four characters in each of them.\n'.repeat(1_000)}`,
  `${'One hundred and twenty thousand bytes, of which none may be missing at the end.\n'.repeat(1_536)}`,
]

/** Runs all that is checked in panes. What goes wrong is in `verdict`, so that it is known also where this ends early. */
export async function check(program: Program, place: Place, model: ModelServer, expect: Expect, verdict: Verdict): Promise<void> {
  const open = await openFleet(program, place)
  const ended: Delivery[] = []
  try {
    await wake(open, expect, verdict)
    for (const round of [0, 1]) ended.push(...(await sendIdle(open, model, expect, round)))
    for (const round of [0, 1]) ended.push(...(await sendBusy(open, model, expect, round)))
    await checkCanary(open, place, model, expect)
    await checkFailures(open, model, expect)
  } finally {
    verdict.proofs = [...Map.groupBy(ended, ({ state }) => state)].map(([state, some]) => `${some.length} ${state}`).join(', ')
    await open.close()
  }
}

async function wake({ session }: OpenSession, expect: Expect, verdict: Verdict): Promise<void> {
  const { machines } = session.fleet
  await raise(machines, session, { dryRun: false, prune: false })
  const began = performance.now()
  const workers = machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
  await christen(workers, session, AbortSignal.timeout(240_000), {
    parallel: null,
    dryRun: false,
    hooks: true,
    onWithoutHooks: (worker, why) => console.error(`${worker} runs without hooks: ${why}`),
    onOutcome: ({ worker, outcome, why }) => expect('readings', outcome === 'named', `christening of ${worker}: ${outcome}: ${why}`),
  })
  verdict.ready_ms = performance.now() - began
}

/** A text for each pane, another size in each: over two rounds every size comes to panes with hooks and without. */
function textsOf(round: number): ReadonlyMap<string, string> {
  return new Map(
    names.map((name, index) => [
      name,
      `${texts[((index % hooked.length) + round * hooked.length) % texts.length]}\nFor ${name}, ${round}.`,
    ]),
  )
}

async function sendIdle(open: OpenSession, model: ModelServer, expect: Expect, round: number): Promise<Delivery[]> {
  model.turn_ms = 2_500
  await expectIdle(open, expect, 'before texts to idle panes')
  const wanted = textsOf(round)
  const ended = await send(open, wanted)
  await expectArrived(model, wanted, ended, expect, 'idle')
  return ended
}

/** Each pane is first given something to do. */
async function sendBusy(open: OpenSession, model: ModelServer, expect: Expect, round: number): Promise<Delivery[]> {
  model.turn_ms = 500
  await expectIdle(open, expect, 'before texts to busy panes')
  model.turn_ms = 12_000
  await send(open, new Map(names.map((name) => [name, `Take your time, ${name}, ${round}.`])))
  const idle = [...(await settle(open, names, ({ state }) => state === 'working', 5_000))]
  for (const name of names) {
    const found = idle.find(([each]) => each === name)?.[1]
    expect('readings', found === undefined, `${name} while its model answers: ${found?.state} (${found?.evidence})`)
  }
  model.turn_ms = 1_000
  const wanted = textsOf(round)
  const ended = await send(open, wanted)
  await expectArrived(model, wanted, ended, expect, 'busy')
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
  wanted: ReadonlyMap<string, string>,
  ended: readonly Delivery[],
  expect: Expect,
  when: string,
): Promise<void> {
  const arrived = (id: string) => asked.some(({ texts: all }) => all.some((each) => each.includes(id)))
  for (const { id } of ended) await until(() => arrived(id), 30_000)
  for (const delivery of ended) {
    const name = delivery.worker.slice(-1)
    const text = wanted.get(name) ?? ''
    const what = `${name}, ${when}, ${Buffer.byteLength(text)} B: ${delivery.id} is ${delivery.state} (${delivery.evidence}; Enter ${delivery.presses} times)`
    expect('texts', arrivedOnce(asked, delivery.id, text), what)
  }
}

/**
 * Some request has its whole text in one message, once, and none has it in two. Parts of it may stand elsewhere: agents also ask for a title, or what to
 * remember, and quote.
 */
function arrivedOnce(asked: ModelServer['asked'], id: string, text: string): boolean {
  const plain = (each: string) => each.replaceAll(/\s+/g, ' ').trim()
  const whole = asked.map(({ texts: all }) => all.filter((each) => each.includes(id) && plain(each).includes(plain(text))).map(plain))
  return whole.every((messages) => messages.length <= 1) && whole.some(([message = '']) => message.split(plain(text)).length === 2)
}
