/** Rounds of deliveries under trouble, each judged when it is over. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Delivery } from '../../src/core/lifecycle.ts'
import type { SoakFleet } from './fleet.ts'
import { checkText, send } from '../../src/operate/send.ts'
import { judge, newTally, type Tally } from './judge.ts'
import { textFor } from './texts.ts'
import { disturb, prepare, type Round } from './trouble.ts'

export interface SoakOptions {
  readonly deliveries: number
  readonly minutes: number
  readonly random: () => number
  /** Ends after the round that runs. */
  readonly stop?: AbortSignal
  readonly onRound?: (tally: Tally) => void
}

/** How long a text waits for a pane that is in use before its sender gives up, milliseconds. */
const patience = 4_000

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

/** Waits until drafts show: keys that are still on their way can be seen by nobody. */
async function shown(fleet: SoakFleet, { drafts }: Round): Promise<void> {
  for (const [worker, draft] of drafts)
    for (let tries = 0; tries < 100 && !fleet.tmux(worker, 'capture-pane', '-p', '-t', fleet.pane(worker)).includes(draft); tries++)
      await sleep(20)
}

async function round(fleet: SoakFleet, random: () => number, number: number, tally: Tally): Promise<void> {
  await fleet.wake()
  const chosen = fleet.workers.filter(() => random() < 0.8)
  const before = new Map(fleet.workers.map((worker) => [worker, fleet.told(worker).length]))
  const stage = prepare(fleet, chosen, random, { number, answered: tally.answered })
  // A person who types is at an attached client, and tmux tells that for a minute; here only what they left behind is tried.
  await shown(fleet, stage)
  // Two texts for some: the second comes while the first is worked on.
  const planned = chosen.flatMap((worker) => Array.from({ length: random() < 0.25 ? 2 : 1 }, () => ({ worker, text: textFor(random) })))
  const stop = new AbortController().signal
  const all = fleet.session.fleet.machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers))
  let done = false
  const troubled = disturb(fleet, stage, random, sleep, () => done)
  const sent: { delivery: Delivery; text: string }[] = []
  try {
    // One sender for all: it holds the leases, as a dispatcher does for its cycle.
    const results = await send(
      planned.map(({ worker, text }) => ({ worker: all.find(({ id }) => id === worker) as (typeof all)[number], text: checkText(text) })),
      fleet.session,
      stop,
      { timeout: patience },
    )
    for (const [index, delivery] of results.entries()) sent.push({ delivery, text: checkText(planned[index]?.text ?? '') })
  } finally {
    done = true
    await troubled
  }
  judge(fleet, stage, sent, before, tally)
}
