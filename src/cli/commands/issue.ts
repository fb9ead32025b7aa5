/** `burn issue`: releases an issue, requeues an issue, sets the priority of an issue, or prints the prompt of an issue. */
import { BurnError } from '../../core/errors.ts'
import { command, done } from '../command.ts'
import { issueNamed } from '../named.ts'
import { flag, parsedArg, text, usage } from '../args.ts'
import { sentence } from '../../decide/wording.ts'

const issue = text('<issue>', 'Issue, as owner/repo#7 or repo#7')

export const releaseCommand = command({
  args: {
    issue,
    force: flag(
      '--force',
      'Release the issue even if an agent may be working on it, its change is open, or another ledger of this fleet claimed the issue',
    ),
  },
  examples: ['burn issue release app#7', 'burn issue release app#7 --force'],
  async run({ open }, given) {
    const { session } = await open()
    const { release } = await import('../../operate/issue.ts')
    const ref = issueNamed(session.fleet, given.issue)
    const { dispatches, elsewhere, open_change } = await release(ref, given.force, session)
    const released = dispatches.map(({ id, worker }) => ({ id, issue: ref, worker }))
    return done({ released, released_elsewhere: elsewhere.map(({ dispatch }) => dispatch), open_change })
  },
  present({ released, released_elsewhere, open_change }, io, given) {
    const ref = released[0]?.issue ?? given.issue
    for (const { worker, id } of released) io.out(`${ref} released from ${worker} (dispatch ${id})`)
    for (const dispatch of released_elsewhere) io.out(`${ref} released: another ledger of this fleet had claimed it (dispatch ${dispatch})`)
    if (open_change !== null) io.out(`burn does not assign ${ref} again while its change is open: ${open_change}`)
  },
})

export const requeueCommand = command({
  args: { issue },
  examples: ['burn issue requeue app#7'],
  async run({ open }, given) {
    const { session } = await open()
    const { requeue } = await import('../../operate/issue.ts')
    const requeued = issueNamed(session.fleet, given.issue)
    await requeue(requeued, session)
    return done({ requeued })
  },
  present: ({ requeued }, io) => io.out(`${requeued} may be assigned again`),
})

export const priorityCommand = command({
  args: {
    issue,
    priority: parsedArg(
      '<n|next|none>',
      'Priority: the highest number goes first; next: before all others; none: no priority',
      priorityOf,
      0,
    ),
    dry_run: flag('-n, --dry-run', 'Show the priority, and change nothing'),
  },
  examples: ['burn issue priority app#7 next', 'burn issue priority app#7 5', 'burn issue priority app#7 none'],
  notes: [
    'The priority orders the queue for panes and sprints. Issues of the same priority go in the order of their labels (dispatch.priority_labels), due dates and ages.',
  ],
  async run({ open }, given) {
    const { session } = await open()
    const { prioritize } = await import('../../operate/issue.ts')
    return done(await prioritize(issueNamed(session.fleet, given.issue), given.priority, given.dry_run, session))
  },
  present({ issue: ref, priority, priority_before: before, left_out }, io, { dry_run, priority: wanted }) {
    const verb = dry_run ? 'would have' : 'has'
    const place = wanted === 'next' ? ', and goes before all others' : ''
    const was = before === priority || before === 0 ? '' : `. It had priority ${before}`
    io.out(priority === 0 ? `${ref} ${verb} no priority${was}` : `${ref} ${verb} priority ${priority}${place}${was}`)
    if (left_out !== null) io.out(`burn does not assign ${ref} now: ${sentence(left_out)}. Run: burn explain ${ref}`)
  },
})

/** Parses a priority: a whole number of at most six digits, `next`, or `none` for 0. Throws BurnError `usage` (exit 2). */
function priorityOf(word: string): number | 'next' {
  if (word === 'next') return word
  if (word === 'none') return 0
  if (/^\d{1,6}$/.test(word)) return Number(word)
  throw usage(`${JSON.stringify(word)} is not a priority`, 'write next, none, or a whole number such as 5')
}

export const promptCommand = command({
  args: { issue },
  examples: ['burn issue prompt app#7 > prompt.txt'],
  async run({ open }, given) {
    const { session } = await open()
    const { promptFor } = await import('../../claim/prompts.ts')
    const ref = issueNamed(session.fleet, given.issue)
    const found = await session.forge.issue(ref)
    if (found === null) throw new BurnError('issue_unknown', `the forge has no issue ${ref}`, 'check the name')
    const dispatch_id = session.newId()
    const prompt = await promptFor({ id: dispatch_id, kind: 'work', issue: found, worker: { name: '', role: 'worker' } }, session)
    return done({ issue: ref, dispatch_id, prompt })
  },
  present: ({ prompt }, io) => io.out(...prompt.split('\n')),
})
