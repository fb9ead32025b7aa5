/** `burn change`: lists changes in review, shows one, merges one, or updates its branch from the base. */
import type { ListedChange } from '../../operate/change.ts'
import type { Io } from '../io.ts'
import { mergeMethods } from '../../core/change-stages.ts'
import { sprintWorkers } from '../../core/sprint.ts'
import { sentence, stepName } from '../../decide/wording.ts'
import { choice, flag, text } from '../args.ts'
import { command, done } from '../command.ts'
import { duration, listTable } from '../table.ts'
import { printableLine, widthOf, wrap } from '../wrap.ts'

const change = text(
  '<change>',
  'Issue of the change, as repo#7; or the change, as repo!12. Quote a name with "!", because shells expand it',
)
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
      shownWorker(worker),
      paintStage(stage, io),
      duration(now - since),
      why,
    ])
    io.out(...listTable(['CHANGE', 'ISSUE', 'WORKER', 'STAGE', 'FOR', 'WHY'], rows, io, ['WORKER', 'FOR', 'WHY', 'ISSUE']))
  },
})

export const changeShowCommand = command({
  args: { change },
  examples: ['burn change show app#7', "burn change show 'app!12'"],
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
      `  ${issue}, ${shownWorker(worker)}`,
      '',
      ...wrap(`${paintStage(stage, io)} for ${duration(now - since)}: ${why}`, io.columns, '  '),
    )
    if (read !== null) {
      const { checks, reviews, threads, sha, base, mergeable } = read
      io.out(`head ${sha.slice(0, 12)}, base ${base}, mergeable: ${mergeable}`)
      const open = threads.filter(({ resolved }) => !resolved)
      const facts = [
        ...checks.map(({ name, state, summary }) => [`check ${name}`, state, summary]),
        ...reviews.map(({ author, state, dismissed, body }) => {
          return [`review by ${author}`, dismissed ? 'dismissed' : state.replaceAll('_', ' '), body]
        }),
        ...open.map(({ path, line, comments: [first] }) => {
          return [`thread by ${first?.author}`, line === null ? path : `${path}:${line}`, first?.body ?? '']
        }),
      ]
      if (facts.length > 0) io.out('', ...entries(facts, io))
    }
    if (steps.length === 0) return
    const taken = steps.map(({ at, action, outcome, delivered, worker: who, reason }) => {
      const state = `${delivered ?? outcome}${who === null ? '' : `, ${shownWorker(who)}`}`
      return [`${duration(now - at)} ago`, stepName(action), state, sentence(reason)]
    })
    io.out('', ...entries(taken, io))
  },
})

export const changeMergeCommand = command({
  args: {
    change,
    method: choice('--method <method>', 'How to merge; by default the first method that the repo allows', mergeMethods, undefined),
    dry_run: dryRun,
  },
  examples: ['burn change merge app#7', "burn change merge 'app!12' --method squash --dry-run"],
  async run({ open }, given) {
    const { session } = await open()
    const { mergeChange, mergeWarnings, readChange } = await import('../../operate/change.ts')
    const order = await readChange(given.change, given.method ?? null, session)
    if (!given.dry_run) await mergeChange(order, session)
    const { ref, state, method } = order
    const warnings = given.dry_run ? mergeWarnings(order).map(sentence) : []
    return done({ change: ref, head: state.sha, base: state.base, method, merged: !given.dry_run, warnings })
  },
  present({ change: ref, head, base, method, merged, warnings }, io) {
    io.out(`${merged ? 'Merged' : 'Would merge'} ${ref} at ${head.slice(0, 12)} into ${base} (${method})`)
    io.out(...warnings.flatMap((warning) => indented(`${io.paint('yellow', 'but')} ${warning}`, io)))
  },
})

export const changeUpdateCommand = command({
  args: { change, dry_run: dryRun },
  examples: ['burn change update app#7'],
  async run({ open }, given) {
    const { session } = await open()
    const { readChange, updateChange } = await import('../../operate/change.ts')
    const order = await readChange(given.change, null, session)
    const { ref, state } = order
    const updated = given.dry_run ? false : await updateChange(order, session)
    const needed = given.dry_run ? state.behind !== false : updated
    return done({ change: ref, head: state.sha, base: state.base, needed, updated })
  },
  present({ change: ref, base, needed, updated }, io) {
    if (!needed) return io.out(`The branch of ${ref} already has all commits of ${base}`)
    io.out(`${updated ? 'Brought' : 'Would bring'} ${base} into the branch of ${ref}`)
  },
})

/** Returns a line for each entry: its words in columns, then its text. If the terminal is narrow, the text continues on the next lines. */
function entries(rows: readonly (readonly string[])[], io: Io): string[] {
  const words = rows.map((row) => row.slice(0, -1))
  const widths = (words[0] ?? []).map((_, index) => Math.max(...words.map((row) => widthOf(row[index] ?? ''))))
  return rows.flatMap((row) => {
    const head = widths.map((width, index) => `${row[index]}${' '.repeat(width - widthOf(row[index] ?? ''))}`).join('  ')
    const text = printableLine(row.at(-1) ?? '')
    if (widthOf(head) + 2 + widthOf(text) <= io.columns) return [`${head}  ${text}`.trimEnd()]
    return [head.trimEnd(), ...indented(text, io)]
  })
}

function indented(text: string, io: Io): string[] {
  const by = '    '
  return wrap(text, io.columns - by.length).map((line) => by + line)
}

/** A sprint has no worker with a name. */
function shownWorker(worker: string): string {
  return worker.startsWith(`${sprintWorkers}/`) ? 'sprint' : worker
}

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
