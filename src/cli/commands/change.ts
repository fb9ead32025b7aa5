/** `burn change`: lists changes in review, shows one, merges one, or updates its branch from the base. */
import type { ListedChange } from '../../operate/change.ts'
import type { Io } from '../io.ts'
import { mergeMethods } from '../../core/change-stages.ts'
import { sentence, stepName } from '../../decide/wording.ts'
import { choice, flag, text } from '../args.ts'
import { command, done } from '../command.ts'
import { duration, listTable, table } from '../table.ts'

const change = text('<change>', 'Change, as owner/repo!12 or repo!12; or its issue, as repo#7')
const dryRun = flag('--dry-run', 'Show what burn would do, and do nothing')

export const changeListCommand = command({
  args: {},
  examples: ['burn change list', 'burn change list --json'],
  async run({ open }) {
    const { session } = await open()
    const { listChanges } = await import('../../operate/change.ts')
    return done({ changes: (await listChanges(session)).map(factsOf) })
  },
  present({ changes }, io, _, now) {
    if (changes.length === 0) return io.out('No change is in review.')
    const rows = changes.map(({ change: ref, issue, worker, stage, since, why }) => [
      ref ?? '',
      issue,
      worker,
      paintStage(stage, io),
      duration(now - since),
      why,
    ])
    io.out(...listTable(['CHANGE', 'ISSUE', 'WORKER', 'STAGE', 'FOR', 'WHY'], rows, io, ['WORKER', 'FOR', 'WHY', 'ISSUE']))
  },
})

export const changeShowCommand = command({
  args: { change },
  examples: ['burn change show app!12', 'burn change show app#7'],
  async run({ open }, given) {
    const { session } = await open()
    const { changeNamed } = await import('../../operate/change.ts')
    const found = await changeNamed(given.change, session)
    return done({ ...factsOf(found), read: found.watched?.state ?? null, steps: found.steps })
  },
  present({ change: ref, issue, worker, url, stage, since, why, read, steps }, io, _, now) {
    io.out(
      io.paint('bold', ref ?? issue),
      `  ${url}`,
      `  ${issue}, ${worker}`,
      '',
      `${paintStage(stage, io)} for ${duration(now - since)}: ${why}`,
    )
    if (read !== null) {
      const { checks, reviews, threads, sha, base, mergeable } = read
      io.out(`head ${sha.slice(0, 12)}, base ${base}, mergeable: ${mergeable}`)
      const open = threads.filter(({ resolved }) => !resolved)
      const rows = [
        ...checks.map(({ name, state, summary }) => ['check', name, state, summary]),
        ...reviews.map(({ author, state, dismissed, body }) => [
          'review',
          author,
          dismissed ? 'dismissed' : state.replaceAll('_', ' '),
          body,
        ]),
        ...open.map(({ path, line, comments }) => [
          'thread',
          comments[0]?.author ?? '',
          'open',
          `${path}:${line ?? ''} ${comments[0]?.body ?? ''}`,
        ]),
      ]
      if (rows.length > 0) io.out('', ...table(['KIND', 'NAME', 'STATE', 'TEXT'], rows, io.columns, ['KIND', 'TEXT']))
    }
    if (steps.length === 0) return
    const rows = steps.map(({ at, action, outcome, delivered, worker: who, reason }) => {
      return [`${duration(now - at)} ago`, stepName(action), delivered ?? outcome, who ?? '', sentence(reason)]
    })
    io.out('', ...table(['WHEN', 'STEP', 'STATE', 'WORKER', 'WHY'], rows, io.columns, ['WORKER', 'WHY']))
  },
})

export const changeMergeCommand = command({
  args: {
    change,
    method: choice('--method <method>', 'How to merge; by default the first method that the repo allows', mergeMethods, undefined),
    dry_run: dryRun,
  },
  examples: ['burn change merge app!12', 'burn change merge app!12 --method squash --dry-run'],
  async run({ open }, given) {
    const { session } = await open()
    const { mergeChange, readChange } = await import('../../operate/change.ts')
    const order = await readChange(given.change, given.method ?? null, session)
    if (!given.dry_run) await mergeChange(order, session)
    return done({ change: order.ref, head: order.state.sha, base: order.state.base, method: order.method, merged: !given.dry_run })
  },
  present: ({ change: ref, head, base, method, merged }, io) =>
    io.out(`${merged ? 'Merged' : 'Would merge'} ${ref} at ${head.slice(0, 12)} into ${base} (${method})`),
})

export const changeUpdateCommand = command({
  args: { change, dry_run: dryRun },
  examples: ['burn change update app!12'],
  async run({ open }, given) {
    const { session } = await open()
    const { readChange, updateChange } = await import('../../operate/change.ts')
    const order = await readChange(given.change, null, session)
    if (!given.dry_run) await updateChange(order, session)
    return done({ change: order.ref, head: order.state.sha, base: order.state.base, updated: !given.dry_run })
  },
  present: ({ change: ref, base, updated }, io) => io.out(`${updated ? 'Brought' : 'Would bring'} ${base} into the branch of ${ref}`),
})

function factsOf({ dispatch, watched }: ListedChange) {
  const { id, issue, worker, change_url, changed_at } = dispatch
  return {
    change: watched?.ref ?? null,
    dispatch: id,
    issue,
    worker,
    url: change_url,
    stage: watched?.stage ?? 'watched',
    since: watched?.staged_at ?? changed_at,
    why: watched === null ? 'burn has not read the change yet' : sentence(watched.reason),
    reason: watched?.reason ?? null,
  }
}

const colors = { needs_work: 'yellow', no_push: 'yellow', escalated: 'red', foreign: 'red', ready: 'green', merging: 'green' } as const

function paintStage(stage: string, io: Io): string {
  const color = Object.entries(colors).find(([name]) => name === stage)?.[1]
  const shown = stage.replaceAll('_', ' ')
  return color === undefined ? shown : io.paint(color, shown)
}
