/** `burn ledger adopt`: goes on with this ledger after another one of the fleet was lost. */
import { Command } from 'commander'
import type { Adopted } from '../../operate/adopt.ts'
import type { CommonOptions, Context } from '../context.ts'
import { withSession } from '../context.ts'

interface Options extends CommonOptions {
  readonly dryRun?: boolean
  readonly force?: boolean
}

export function adoptCommand(context: Context): Command {
  return new Command('adopt')
    .description('release the claims on open issues that another ledger of this fleet wrote, after that ledger was lost')
    .option('-n, --dry-run', 'say which claims would be released, and change nothing')
    .option('--force', 'even if the worker that a claim names may still be at it')
    .addHelpText(
      'after',
      '\nUse it only if that ledger is lost or used no longer: a dispatcher that goes on with it works on the same issues.',
    )
    .action((_own: object, command: Command) => {
      const options = command.optsWithGlobals<Options>()
      return withSession(context, options, async (session) => {
        const { adopt } = await import('../../operate/adopt.ts')
        const adopted = await adopt({ dryRun: options.dryRun ?? false, force: options.force ?? false }, session)
        if (options.json) context.io.out(JSON.stringify({ ...adopted, dry_run: options.dryRun ?? false }))
        else show(adopted, options, context)
        return adopted.kept.length > 0 ? 3 : 0
      })
    })
}

function show({ released, kept }: Adopted, { dryRun }: Options, { io }: Context): void {
  for (const { issue, dispatch, worker } of released)
    io.out(`${issue}  ${dryRun ? 'would be released' : 'released'}  dispatch ${dispatch}${worker === null ? '' : ` of ${worker}`}`)
  for (const { what, why } of kept) io.err(io.paint('yellow', `${what}: ${why}`))
  const count = `${released.length} claim${released.length === 1 ? '' : 's'}`
  io.out(`${dryRun ? `Would release ${count}` : `Released ${count}`} of another ledger${kept.length === 0 ? '' : `; ${kept.length} not`}`)
}
