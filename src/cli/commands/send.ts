/** `burn send`: a person's own text to workers. */
import { sentence, worded } from '../../decide/wording.ts'
import { Command } from 'commander'
import type { CommonOptions, Context } from '../context.ts'
import { positive, withCommon, withSession, workersNamed } from '../context.ts'
import { table } from '../table.ts'

interface Options extends CommonOptions {
  readonly wait: number
  readonly dryRun?: boolean
}

export function sendCommand(context: Context): Command {
  return withCommon(new Command('send'))
    .description(
      'send a text to a worker, to all of a window, lane or machine, or to all; it is placed where it disturbs nobody, and proven',
    )
    .argument('<to>', 'a worker, window, lane or machine, or all')
    .argument('<text>', 'the text, or - to read it from standard input')
    .option('-w, --wait <seconds>', 'how long it waits for a pane that is in use; then it is withdrawn', positive, 30)
    .option('-n, --dry-run', 'say who would get it, and send nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  burn send AZOTH "Stop after this issue, and say what is left."\n  git diff | burn send mac/CRUCIBLE -\n  burn send bugs "The CI is red: look there first." --wait 120',
    )
    .action((to: string, text: string, options: Options) =>
      withSession(context, options, async (session) => {
        const { checked, send } = await import('../../operate/send.ts')
        const { io } = context
        const workers = workersNamed(session.fleet, to)
        const words = checked(text === '-' ? await io.readInput() : text)
        if (options.dryRun) {
          const ids = workers.map(({ id }) => id)
          io.out(
            options.json
              ? JSON.stringify({ would_send: ids })
              : `Would send ${Buffer.byteLength(words)} bytes to ${ids.length}: ${ids.join(', ')}`,
          )
          return 0
        }
        const sent = await send(
          workers.map((worker) => ({ worker, text: words })),
          session,
          context.stop,
          { patience: options.wait * 1000 },
        )
        if (options.json)
          io.out(
            JSON.stringify(
              worded({ sent: sent.map(({ id, worker, state, proof, evidence }) => ({ id, worker, state, proof, evidence })) }),
            ),
          )
        else
          for (const line of table(
            ['WORKER', 'DELIVERY', 'EVIDENCE'],
            sent.map(({ worker, state, evidence }) => [worker, state, sentence(evidence)]),
          ))
            io.out(line)
        const good = sent.filter(({ state }) => state === 'seen').length
        return good === sent.length ? 0 : good === 0 ? 1 : 3
      }),
    )
}
