/** `burn prompt`: the self-contained prompt of an issue, for pasting into any agent. */
import { Command } from 'commander'
import type { CommonOptions, Context } from '../context.ts'
import { BurnError } from '../../core/errors.ts'
import { issueNamed, withCommon, withSession } from '../context.ts'

export function promptCommand(context: Context): Command {
  return withCommon(new Command('prompt'))
    .description('print the prompt of an issue, for pasting elsewhere; nothing is claimed')
    .argument('<issue>', 'owner/repo#7, or repo#7')
    .action((text: string, options: CommonOptions) =>
      withSession(context, options, async (session) => {
        const { promptFor } = await import('../../claim/prompts.ts')
        const ref = issueNamed(session.fleet, text)
        const issue = await session.forge.issue(ref)
        if (issue === null) throw new BurnError('issue_unknown', `the forge has no ${ref}`, 'check the name')
        const id = session.newId()
        const prompt = await promptFor('work', id, issue, { name: '', role: 'worker' }, session)
        context.io.out(options.json ? JSON.stringify({ issue: ref, dispatch_id: id, prompt }) : prompt)
        return 0
      }),
    )
}
