/** `burn council`: asks the council and sentinel workers. */
import { sentence, worded } from '../../decide/wording.ts'
import { Command } from 'commander'
import type { CommonOptions, Context } from '../context.ts'
import { withCommon, withSession } from '../context.ts'
import { table } from '../table.ts'

export function councilCommand(context: Context): Command {
  return withCommon(new Command('council'))
    .description('ask every council and sentinel worker for its perspective')
    .argument('<question>', 'the question, or - to read it from standard input')
    .option('-n, --dry-run', 'say who would be asked, and ask nobody')
    .addHelpText('after', '\nExample:\n  burn council "Should the-nexus move to a monorepo?"')
    .action((text: string, options: CommonOptions & { dryRun?: boolean }) =>
      withSession(context, options, async (session) => {
        const { askCouncil, councilOf } = await import('../../operate/council.ts')
        const { io } = context
        if (options.dryRun) {
          const members = councilOf(session).map(({ id }) => id)
          io.out(options.json ? JSON.stringify({ would_ask: members }) : `Would ask ${members.length}: ${members.join(', ')}`)
          return 0
        }
        const asked = await askCouncil(text === '-' ? await io.readInput() : text, session, context.stop)
        if (options.json)
          io.out(JSON.stringify(worded({ asked: asked.map(({ id, worker, state, evidence }) => ({ id, worker, state, evidence })) })))
        else {
          for (const line of table(
            ['WORKER', 'DELIVERY', 'EVIDENCE'],
            asked.map(({ worker, state, evidence }) => [worker, state, sentence(evidence)]),
          ))
            io.out(line)
          io.out('Their answers are in their panes: burn attach <worker>')
        }
        const good = asked.filter(({ state }) => state === 'seen').length
        return good === asked.length ? 0 : good === 0 ? 1 : 3
      }),
    )
}
