/** One real program, raised, read and prompted through the product's own code; judged by what the model server was asked. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Delivery } from '../../src/core/lives.ts'
import type { Session } from '../../src/run/session.ts'
import type { ModelServer } from './model.ts'
import type { Program } from './programs.ts'
import { systemClock } from '../../src/cli/clock.ts'
import { openSession } from '../../src/cli/wire.ts'
import { pump } from '../../src/run/pump.ts'
import { raise } from '../../src/run/raise.ts'
import { christen } from '../../src/run/christen.ts'
import { leaseLength } from '../../src/run/session.ts'
import { status } from '../../src/run/status.ts'
import { endServer } from '../support/tmux.ts'
import { startModel } from './model.ts'
import { writeHome } from './programs.ts'

export interface Tally {
  right: number
  all: number
}

export interface Verdict {
  readonly ready_ms: number
  readonly readings: Tally
  readonly arrived: Tally
  /** How deliveries ended, e.g. `6 seen`. */
  readonly proofs: string
  readonly wrong: readonly string[]
}

/** Prompts of 10 B to 16 KB, one line and many, and what has a meaning to terminals and shells. */
const texts: readonly string[] = [
  'Say that all is well.',
  `A list:\n${Array.from({ length: 60 }, (_, index) => `- point ${index}: nothing has to be done about it`).join('\n')}`,
  'Quotes \' " ` and $(nothing) and #{nothing} and ; and \\ and an emoji 🦊 stay as they are.',
  `${'One long line that goes on and on. '.repeat(110)}`,
  `${'Many words on many lines.\n'.repeat(640)}`,
]

export async function check(program: Program, bin: string): Promise<Verdict> {
  const dir = mkdtempSync(join(tmpdir(), `burn-agent-${program.kind}-`))
  const socket = `burn-agent-${program.kind}-${process.pid}`
  const model = await startModel()
  try {
    return await run(program, bin, model, dir, socket)
  } finally {
    endServer(socket)
    model.close()
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function run(program: Program, bin: string, model: ModelServer, dir: string, socket: string): Promise<Verdict> {
  const open = await fleetOf(program, bin, model, dir, socket)
  const { session } = open
  const machines = session.fleet.machines
  const verdict = { ready_ms: 0, readings: { right: 0, all: 0 }, arrived: { right: 0, all: 0 }, proofs: '', wrong: [] as string[] }
  const expect = (tally: Tally, holds: boolean, what: string) => {
    tally.all += 1
    if (holds) tally.right += 1
    else verdict.wrong.push(what)
    process.stderr.write(`${program.kind}: ${holds ? 'right' : 'WRONG'} ${what.slice(0, 150)}\n`)
  }
  try {
    await raise(machines, session, { dryRun: false, prune: false })
    const began = performance.now()
    const workers = machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
    const [named] = await christen(workers, session, new AbortController().signal, {
      parallel: null,
      dryRun: false,
      hooks: true,
      onWithoutHooks: (worker, why) => console.log(`${worker} runs without hooks: ${why}`),
      onOutcome: () => {},
    })
    verdict.ready_ms = performance.now() - began
    expect(verdict.readings, named?.outcome === 'named', `christening: ${named?.outcome}: ${named?.why}`)
    expect(verdict.readings, await becomes(session, 'idle'), `after its identity: ${await says(session)}`)
    const ended: Delivery[] = []
    for (const text of texts) {
      model.turn_ms = 2_500
      const delivery = await send(session, text)
      ended.push(delivery)
      // Sent while it works, too: the second waits for the first, or goes along with it.
      expect(verdict.readings, await becomes(session, 'working', 2_400), `while its model answers: ${await says(session)}`)
      expect(verdict.readings, await becomes(session, 'idle'), `after a turn: ${await says(session)}`)
      await arrives(model, delivery)
      expect(
        verdict.arrived,
        arrivedOnce(model, delivery, text),
        `it arrives whole and once, ${delivery.id} (${delivery.state}: ${delivery.evidence}): ${JSON.stringify(text.slice(0, 60))}`,
      )
    }
    const busy = await Promise.all(['First of two.', 'Second of two.'].map(async (text) => ({ text, delivery: await send(session, text) })))
    for (const { delivery } of busy) await arrives(model, delivery)
    for (const { text, delivery } of busy)
      expect(
        verdict.arrived,
        arrivedOnce(model, delivery, text),
        `sent while it works it arrives whole and once, ${delivery.id} (${delivery.state}: ${delivery.evidence}; Enter ${delivery.presses} times): ${JSON.stringify(text)}`,
      )
    ended.push(...busy.map(({ delivery }) => delivery))
    const count = Map.groupBy(ended, ({ state }) => state)
    verdict.proofs = [...count].map(([state, some]) => `${some.length} ${state}`).join(', ')
    return verdict
  } finally {
    await open.close()
  }
}

function fleetOf(program: Program, bin: string, model: ModelServer, dir: string, socket: string): ReturnType<typeof openSession> {
  const home = join(dir, 'home')
  const work = join(home, 'work')
  mkdirSync(work, { recursive: true })
  mkdirSync(join(dir, 'issues/app'), { recursive: true })
  execFileSync('git', ['init', '-q', work])
  const setting = program.setting(model.url, work)
  writeHome(home, setting)
  const worker = { dir: work, agent: { kind: program.kind, command: [bin, ...setting.args], env: { ...setting.env, HOME: home } } }
  const spec = {
    name: 'real',
    session: 'R',
    socket,
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'real' },
    machines: { box: { windows: [{ name: 'W', panes: 1, repos: ['app'], names: ['A'], workers: { A: worker } }] } },
  }
  writeFileSync(join(dir, 'fleet-spec.json'), JSON.stringify(spec))
  const notify = ({ subject, text }: { subject: string; text: string }) => console.error(`${subject}: ${text}`)
  return openSession({ spec: join(dir, 'fleet-spec.json') }, { clock: systemClock, env: {}, home, cwd: dir, notify })
}

async function send(session: Session, text: string): Promise<Delivery> {
  const worker = session.fleet.machines[0]?.windows[0]?.workers[0]?.id ?? ''
  const [planned] = await session.ledger.plan(
    [{ id: session.newId(), kind: 'send', worker, text }],
    session.owner,
    Date.now() + leaseLength,
    Date.now(),
  )
  await pump(session.fleet.machines, session, new AbortController().signal, { patience: 60_000 })
  const [after] = (await session.ledger.deliveries({ worker, kind: 'send', limit: 20 })).filter(({ id }) => id === planned?.id)
  if (after === undefined) throw new Error('a planned delivery is not in the ledger')
  return after
}

async function says(session: Session): Promise<string> {
  const worker = (await status(session.fleet.machines, session)).machines[0]?.windows[0]?.workers[0]
  return `${worker?.state} (${worker?.evidence})`
}

async function becomes(session: Session, state: string, limit = 60_000): Promise<boolean> {
  for (const end = performance.now() + limit; performance.now() < end; await sleep(150))
    if ((await says(session)).startsWith(`${state} `)) return true
  return false
}

/** Hooks and a slow start may come between Enter and the request. */
async function arrives({ asked }: ModelServer, { id }: Delivery): Promise<void> {
  for (const end = performance.now() + 20_000; performance.now() < end; await sleep(100))
    if (asked.some(({ texts: all }) => all.some((each) => each.includes(id)))) return
}

/**
 * Some request has its whole text in one message, once, and none has it in two. Parts of it may stand elsewhere: agents also ask for a title, or what to
 * remember, and quote.
 */
function arrivedOnce({ asked }: ModelServer, { id }: Delivery, text: string): boolean {
  const plain = (each: string) => each.replaceAll(/\s+/g, ' ').trim()
  const whole = asked.map(({ texts: all }) => all.filter((each) => each.includes(id) && plain(each).includes(plain(text))).map(plain))
  return whole.every((messages) => messages.length <= 1) && whole.some(([message = '']) => message.split(plain(text)).length === 2)
}
