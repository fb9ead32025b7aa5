/** Runs rounds of deliveries under trouble, and judges each round at its end. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Delivery } from '../../src/core/lifecycle.ts'
import type { SoakFleet } from './fleet.ts'
import { checkText, send } from '../../src/operate/send.ts'
import { judge, newTally, type Tally } from './judge.ts'
import { textFor } from './texts.ts'
import { disturb, prepare, type Round } from './trouble.ts'

/** The limits of a soak. It ends at the first that is reached. */
export interface SoakOptions {
  readonly deliveries: number
  readonly minutes: number
  readonly random: () => number
  /** Stops after the current round. */
  readonly stop?: AbortSignal
  readonly onRound?: (tally: Tally) => void
}

/** Time to wait for a pane in use before a text is withdrawn (ms). */
const timeout = 4_000

/** Runs rounds until a limit is reached, and returns their tally. */
export async function soak(fleet: SoakFleet, { deliveries, minutes, random, stop, onRound }: SoakOptions): Promise<Tally> {
  const tally = newTally()
  const end = Date.now() + minutes * 60_000
  const over = () => tally.deliveries >= deliveries || Date.now() >= end || stop?.aborted === true
  for (let number = 1; !over(); number++) {
    await round(fleet, random, number, tally)
    onRound?.(tally)
  }
  return tally
}

/** Waits until all drafts are on the screens, because burn cannot see keys before. */
async function waitForDrafts(fleet: SoakFleet, { drafts }: Round): Promise<void> {
  for (const [worker, draft] of drafts)
    for (let tries = 0; tries < 100 && !fleet.tmux(worker, 'capture-pane', '-p', '-t', fleet.pane(worker)).includes(draft); tries++)
      await sleep(20)
}

async function round(fleet: SoakFleet, random: () => number, number: number, tally: Tally): Promise<void> {
  await fleet.startAgents()
  const chosen = fleet.workers.filter(() => random() < 0.8)
  const before = new Map(fleet.workers.map((worker) => [worker, fleet.log(worker).length]))
  const stage = prepare(fleet, chosen, random, { number, answered: tally.answered })
  // No client is attached, so burn does not see a person typing. The soak tests only the drafts that a person left.
  await waitForDrafts(fleet, stage)
  // Some workers get a second text while they work on the first.
  const planned = chosen.flatMap((worker) => Array.from({ length: random() < 0.25 ? 2 : 1 }, () => ({ worker, text: textFor(random) })))
  const stop = new AbortController().signal
  const all = fleet.session.fleet.machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers))
  let done = false
  const troubled = disturb(fleet, stage, random, sleep, () => done)
  const sent: { delivery: Delivery; text: string }[] = []
  try {
    // One call for all texts holds the leases, as a dispatcher does in a cycle.
    const results = await send(
      planned.map(({ worker, text }) => ({ worker: all.find(({ id }) => id === worker) as (typeof all)[number], text: checkText(text) })),
      fleet.session,
      stop,
      { timeout },
    )
    for (const [index, delivery] of results.entries()) sent.push({ delivery, text: checkText(planned[index]?.text ?? '') })
  } finally {
    done = true
    await troubled
  }
  judge(fleet, stage, sent, before, tally)
}
