/** `burn issue`: releases an issue, requeues an issue, or prints the prompt of an issue. */
import { BurnError } from '../../core/errors.ts'
import { command, done } from '../command.ts'
import { issueNamed } from '../named.ts'
import { flag, text } from '../args.ts'

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
