/** `burn worker loop`: issue after issue for one worker of the spec, in its pane or without one. */
import type { Worker } from '../core/nouns.ts'
import type { Sprint } from '../core/sprint.ts'
import type { View } from '../core/view.ts'
import type { Picked } from '../decide/pick.ts'
import type { SprintContext } from './context.ts'
import { BurnError, adviceOf } from '../core/errors.ts'
import { pauseAfter } from '../decide/backoff.ts'
import { afterFailure } from '../decide/failure.ts'
import { slotsTaken } from '../decide/route.ts'
import { isForeign } from '../run/claims.ts'
import { leaseLength, withLeases } from '../run/session.ts'
import { loopLease } from '../run/view.ts'
import { look } from './look.ts'
import { usableBackends } from './run.ts'
import { Speaker } from './speaker.ts'
import { carrySprint } from './sprint.ts'

/** How long nothing is tried after trouble that would meet every issue: first, and at most, milliseconds. */
const rests = { first: 15_000, longest: 30 * 60_000 }

export interface LoopOptions {
  readonly worker: Worker
  /** How many issues; Infinity until stopped. */
  readonly count: number
  /** Pause where there is nothing to do, milliseconds. */
  readonly interval: number
  /** How long an issue that came to nothing is left alone by this worker, milliseconds. */
  readonly skip_for: number
  readonly onEnd: (row: Sprint) => void
  /** Hears why it rests, and how long, milliseconds. */
  readonly onRest: (why: string, ms: number) => void
}

/** Runs until `count` or `stop`. Throws BurnError `loop_running` where another process is this worker's loop. */
export async function loop(options: LoopOptions, context: SprintContext, stop: AbortSignal): Promise<void> {
  const { session } = context
  const { ledger, clock, owner } = session
  const name = loopLease(options.worker.id)
  const other = await ledger.lease(name, owner, clock.now() + leaseLength, clock.now())
  if (other !== null)
    throw new BurnError(
      'loop_running',
      `another process is the loop of ${options.worker.id}: ${other}`,
      'end that one first; if it was killed, it counts as gone in half a minute',
    )
  await withLeases(session, async () => {
    try {
      await turns(options, context, stop)
    } finally {
      await ledger.unlease(name, owner)
    }
  })
}

async function turns(options: LoopOptions, context: SprintContext, stop: AbortSignal): Promise<void> {
  const { session } = context
  const speaker = new Speaker(session)
  let done = 0
  let troubles = 0
  while (done < options.count && !stop.aborted) {
    const turn = await next(options, speaker, context, stop)
    if ('row' in turn) {
      options.onEnd(turn.row)
      done += 1
    }
    troubles = turn.trouble ? troubles + 1 : 0
    if (turn.why === null || stop.aborted || done >= options.count) continue
    const ms = troubles === 0 ? options.interval : pauseAfter(troubles, rests, 0)
    options.onRest(turn.why, ms)
    await rest(ms, session, stop)
  }
}

/** `why` it should rest; `trouble`: it would meet the next issue too. */
type Turn =
  | { readonly why: string | null; readonly trouble: boolean }
  | { readonly row: Sprint; readonly why: string | null; readonly trouble: boolean }

async function next(options: LoopOptions, speaker: Speaker, context: SprintContext, stop: AbortSignal): Promise<Turn> {
  const { session } = context
  try {
    const usable = await usableBackends(context)
    const claimed = await claimOne(options.worker, context)
    if (claimed === null) return { why: 'there is nothing for it to do', trouble: false }
    const row = await carrySprint(claimed, usable, speaker, context, stop)
    const after = row.failure === null ? null : afterFailure(row.failure)
    if (after?.ends_run === true) return { row, why: `${row.failure}: ${row.failure_text ?? ''}`, trouble: true }
    if (after !== null && row.outcome === 'failed') {
      const at = session.clock.now()
      const reason = `${row.failure}: ${row.failure_text ?? ''}`
      await session.ledger.skip({ worker: options.worker.id, issue: row.issue, until: at + options.skip_for, reason, at })
    }
    return { row, why: null, trouble: false }
  } catch (thrown) {
    if (!(thrown instanceof BurnError) || thrown.exit === 2) throw thrown
    return { why: adviceOf(thrown), trouble: true }
  }
}

/** The first issue that is for this worker: of its home repo as long as there are any. Null where there is none, or it has no free slot. */
async function claimOne(worker: Worker, context: SprintContext) {
  const { session, host } = context
  const { ledger, clock, owner } = session
  const { view, picks } = await look({ repos: worker.repos, issue: null, worker: worker.id, dryRun: false }, context)
  if (holdOf(worker, view) !== null) return null
  const slot = freeSlot(worker, view)
  if (slot === null) return null
  for (const picked of homeFirst(picks.picks, worker)) {
    const { issue, attempt, reason, revision } = picked
    if (await isForeign(issue, revision, view, session)) continue
    const id = session.newId()
    const now = clock.now()
    const won = await ledger.claimSprint(
      { id, issue: issue.ref, worker: worker.id, slot, host, attempt, reason },
      owner,
      now + leaseLength,
      now,
    )
    if (won === 'won') return { id, worker: worker.id, picked }
    if (won === 'worker') return null
  }
  return null
}

function holdOf({ id }: Worker, { records }: View): string | null {
  return records.find((record) => record.id === id)?.hold ?? null
}

function freeSlot({ id, depth }: Worker, { dispatches }: View): number | null {
  const taken = slotsTaken(dispatches).get(id)
  for (let slot = 0; slot < depth; slot++) if (taken?.has(slot) !== true) return slot
  return null
}

function homeFirst(picks: readonly Picked[], { home }: Worker): readonly Picked[] {
  const own = ({ issue }: Picked) => issue.repo === home
  return [...picks.filter(own), ...picks.filter((each) => !own(each))]
}

/** Cut short where another process frees something. */
async function rest(ms: number, { ledger, clock }: SprintContext['session'], stop: AbortSignal): Promise<void> {
  const over = new AbortController()
  const end = AbortSignal.any([stop, over.signal])
  const told = ledger.changed(end)
  await clock.sleep(Math.min(ms, 5_000), end)
  await Promise.race([clock.sleep(Math.max(0, ms - 5_000), end), told])
  over.abort()
}
