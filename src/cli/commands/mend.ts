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
    await ledger.hold(id, reason, clock.now())
    if (options.json) context.io.out(JSON.stringify({ worker: id, hold: reason }))
    else context.io.out(reason === null ? `${id} gets work again` : `${id} is held: ${reason}`)
    return 0
  })
}

export function releaseCommand(context: Context): Command {
  return withCommon(new Command('release'))
    .description('give an issue back, so that another worker may get it')
    .argument('<issue>', 'owner/repo#7, or repo#7')
    .option('--force', 'even where an agent may still be working on it')
    .action((text: string, options: CommonOptions & { force?: boolean }) =>
      withSession(context, options, async (session) => {
        const { release } = await import('../../run/mend.ts')
        const released = await release(issueNamed(session.fleet, text), options.force ?? false, session)
        if (options.json) context.io.out(JSON.stringify({ released: released.map(({ id, issue, worker }) => ({ id, issue, worker })) }))
        else for (const { issue, worker, id } of released) context.io.out(`${issue} released from ${worker} (dispatch ${id})`)
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
        const { requeue } = await import('../../run/mend.ts')
        const issue = issueNamed(session.fleet, text)
        await requeue(issue, session)
        context.io.out(options.json ? JSON.stringify({ requeued: issue }) : `${issue} may be given again`)
        return 0
      }),
    )
}
