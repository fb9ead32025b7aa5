/** `burn capture`: what a worker's pane shows. */
import { Command } from 'commander'
import type { CommonOptions, Context } from '../context.ts'
import { wholeNumber, withCommon, withSession, workerNamed } from '../context.ts'

interface Options extends CommonOptions {
  readonly lines: number
  readonly ansi?: boolean
}

export function captureCommand(context: Context): Command {
  return withCommon(new Command('capture'))
    .description("print what a worker's pane shows")
    .argument('<worker>', 'whose pane')
    .option('-l, --lines <n>', 'rows of history above the screen, too', wholeNumber, 0)
    .option('--ansi', 'with colours, as escape sequences')
    .addHelpText('after', '\nExamples:\n  burn capture AZOTH\n  burn capture AZOTH --lines 200 > azoth.txt')
    .action((name: string, options: Options) =>
      withSession(context, options, async (session) => {
        const { captureWorker } = await import('../../operate/capture.ts')
        const worker = workerNamed(session.fleet, name)
        const rows = await captureWorker(worker, session, { lines: options.lines, ansi: options.ansi ?? false })
        context.io.out(options.json ? JSON.stringify({ worker: worker.id, rows }) : rows.join('\n'))
        return 0
      }),
    )
}
