/** `burn hold`, `resume`, `release`, `requeue`: mending by hand. */
import { Command } from 'commander'
import type { CommonOptions, Context } from '../context.ts'
import { issueNamed, withCommon, withSession, workerNamed } from '../context.ts'

export function holdCommand(context: Context): Command {
  return withCommon(new Command('hold'))
    .description('give a worker nothing more until it is resumed')
    .argument('<worker>', 'machine/WINDOW/NAME, or NAME')
    .argument('[reason...]', 'why, for the others')
    .addHelpText('after', '\nExample:\n  burn hold AZOTH trying something in its pane')
    .action((name: string, words: string[], options: CommonOptions) => setHold(name, words.join(' ') || 'by a person', options, context))
}

export function resumeCommand(context: Context): Command {
  return withCommon(new Command('resume'))
    .description('give a held worker work again')
    .argument('<worker>', 'machine/WINDOW/NAME, or NAME')
    .action((name: string, options: CommonOptions) => setHold(name, null, options, context))
}

function setHold(name: string, reason: string | null, options: CommonOptions, context: Context): Promise<void> {
  return withSession(context, options, async ({ fleet, ledger, clock }) => {
    const { id } = workerNamed(fleet, name)
    const held = { scope: 'worker', name: id, code: 'person' } as const
    if (reason === null) await ledger.resume([held], clock.now())
    else await ledger.hold([{ ...held, reason: { code: 'prose', text: reason }, until: null, actor: 'a person' }], clock.now())
    if (options.json) context.io.out(JSON.stringify({ worker: id, hold: reason }))
    else context.io.out(reason === null ? `${id} gets work again` : `${id} is held: ${reason}`)
    return 0
  })
}

export function releaseCommand(context: Context): Command {
  return withCommon(new Command('release'))
    .description('give an issue back, so that another worker may get it')
    .argument('<issue>', 'owner/repo#7, or repo#7')
    .option('--force', 'even if an agent may still be working on it, its change is open for review, or another ledger of this fleet has it')
    .action((text: string, options: CommonOptions & { force?: boolean }) =>
      withSession(context, options, async (session) => {
        const { release } = await import('../../operate/issue.ts')
        const issue = issueNamed(session.fleet, text)
        const { dispatches, elsewhere, open_change } = await release(issue, options.force ?? false, session)
        const { io } = context
        if (options.json) {
          const released = dispatches.map(({ id, worker }) => ({ id, issue, worker }))
          io.out(JSON.stringify({ released, released_elsewhere: elsewhere.map(({ dispatch }) => dispatch), open_change }))
          return 0
        }
        for (const { worker, id } of dispatches) io.out(`${issue} released from ${worker} (dispatch ${id})`)
        for (const { dispatch } of elsewhere) io.out(`${issue} released from another ledger of this fleet (dispatch ${dispatch})`)
        if (open_change !== null) io.out(`${issue} is not given again while its change is open: ${open_change}`)
        return 0
      }),
    )
}

export function requeueCommand(context: Context): Command {
  return withCommon(new Command('requeue'))
    .description('let an issue be given again that is done or was given up')
    .argument('<issue>', 'owner/repo#7, or repo#7')
    .action((text: string, options: CommonOptions) =>
      withSession(context, options, async (session) => {
        const { requeue } = await import('../../operate/issue.ts')
        const issue = issueNamed(session.fleet, text)
        await requeue(issue, session)
        context.io.out(options.json ? JSON.stringify({ requeued: issue }) : `${issue} may be given again`)
        return 0
      }),
    )
}
