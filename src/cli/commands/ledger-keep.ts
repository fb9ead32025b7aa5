/** `burn ledger backup|export|prune|move|migrate`: what is kept of the fleet's history, and where. */
import { Command } from 'commander'
import type { Ledger, Pruned } from '../../core/ledger.ts'
import type { Fleet } from '../../core/nouns.ts'
import type { CommonOptions, Context } from '../context.ts'
import { BurnError } from '../../core/errors.ts'
import { durationMs, durationPattern } from '../../spec/duration.ts'
import { withSession } from '../context.ts'

interface Options extends CommonOptions {
  readonly olderThan?: string
  readonly dryRun?: boolean
}

/** A command below `ledger`: its options stand before or after its name. */
function keeping(
  context: Context,
  name: string,
  says: string,
  run: (open: { readonly ledger: Ledger; readonly fleet: Fleet }, options: Options, argument: string) => Promise<void>,
): Command {
  const [word = '', argument] = name.split(' ')
  const command = new Command(word).description(says)
  if (argument !== undefined) command.argument(argument)
  return command.action(async (...given: unknown[]) => {
    const own = given.at(-1) as Command
    const options = own.optsWithGlobals<Options>()
    await withSession(context, options, async (session) => {
      await run(session, options, String(given[0]))
      return 0
    })
  })
}

export function keepingCommands(context: Context): Command[] {
  const { io, clock } = context
  const say = (options: Options, json: object, text: string) => io.out(options.json ? JSON.stringify(json) : text)
  return [
    keeping(
      context,
      'backup <file>',
      'copy it into a file, while it is in use; the file is a ledger as well',
      async ({ fleet }, options, file) => {
        const copied = await copyTo(context, fleet, `sqlite:${absolute(file, context)}`, { move: false, json: options.json })
        say(options, copied, `${copied.to}: a copy of ${copied.from}, ${copied.rows} rows`)
      },
    ),
    keeping(
      context,
      'move <url>',
      'move it to another file or database; the old one is closed to everybody',
      async ({ fleet }, options, url) => {
        const to = url.startsWith('sqlite:') ? `sqlite:${absolute(url.slice('sqlite:'.length), context)}` : url
        if (options.dryRun === true) {
          const { wouldMove } = await import('../../ledger/copy.ts')
          const would = await wouldMove(fleet.ledger, to, { random: Math.random }, clock.now())
          return say(
            options,
            { ...would, dry_run: true },
            `Would move ${would.rows} rows from ${would.from} to ${would.to}, and close the old one`,
          )
        }
        const copied = await copyTo(context, fleet, to, { move: true, json: options.json })
        say(
          options,
          copied,
          `${copied.rows} rows moved from ${copied.from}\nNow write this into the spec:  "ledger": ${JSON.stringify(to)}`,
        )
      },
    ).option('--dry-run', 'say what would be moved, and change nothing'),
    keeping(context, 'export', 'print all of it, a JSON object a row', async ({ fleet }) => {
      const { exportLedger } = await import('../../ledger/export.ts')
      await exportLedger(fleet.ledger, { random: Math.random }, io.out)
    }),
    keeping(context, 'prune', 'forget what ended long ago and is needed for nothing any more', async ({ ledger, fleet }, options) => {
      const age = ageOf(options, fleet)
      const pruned = await ledger.prune(clock.now() - age, clock.now(), options.dryRun === true)
      say(options, { ...pruned, dry_run: options.dryRun === true }, `${options.dryRun ? 'Would forget' : 'Forgot'} ${worded(pruned)}`)
    })
      .option('--older-than <duration>', `what ended so long ago, e.g. 90d (default: "retention" of the spec)`)
      .option('--dry-run', 'say what would be forgotten, and change nothing'),
    keeping(
      context,
      'migrate',
      'bring it up to this version, and say so; every other command does that, too',
      async ({ ledger }, options) => {
        const { where, version } = await ledger.check()
        say(options, { where, version }, `${where}: version ${version}, which is what this burn writes`)
      },
    ),
  ]
}

async function copyTo(
  { io, clock }: Context,
  { ledger }: Fleet,
  to: string,
  { move, json = false }: { move: boolean; json?: boolean | undefined },
) {
  const { backupLedger, moveLedger } = await import('../../ledger/copy.ts')
  const wait = { random: Math.random }
  const shown = io.tty && !json
  const progress = (rows: number) => (shown ? io.write(`\r${rows} rows`) : undefined)
  try {
    return await (move ? moveLedger(ledger, to, wait, clock.now(), progress) : backupLedger(ledger, to, wait, progress))
  } finally {
    if (shown) io.write('\r\u001b[K')
  }
}

function absolute(path: string, { cwd, home }: Context): string {
  if (path.startsWith('/')) return path
  return path.startsWith('~/') ? `${home}/${path.slice(2)}` : `${cwd}/${path}`
}

function ageOf({ olderThan }: Options, { retention }: Fleet): number {
  if (olderThan !== undefined && !durationPattern.test(olderThan))
    throw new BurnError('duration', `${JSON.stringify(olderThan)} is no duration`, 'write 90d, 12h or 1d12h', { exit: 2 })
  const age = olderThan === undefined ? retention : durationMs(olderThan)
  if (age !== null) return age
  throw new BurnError('retention_missing', 'nothing says how old is old', 'write --older-than 90d, or "retention": "365d" in the spec', {
    exit: 2,
  })
}

function worded({ dispatches, deliveries, events }: Pruned): string {
  return `${dispatches} dispatches, ${deliveries} other texts, ${events} events`
}
