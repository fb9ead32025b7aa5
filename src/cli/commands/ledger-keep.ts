/** `burn ledger export|prune|migrate`: what is kept of the fleet's history. */
import { Command } from 'commander'
import type { Ledger } from '../../core/ledger.ts'
import type { Pruned } from '../../core/ledger/history.ts'
import type { Fleet } from '../../core/nouns.ts'
import type { CommonOptions, Context } from '../context.ts'
import { BurnError } from '../../core/errors.ts'
import { durationMs, durationPattern } from '../../spec/duration.ts'
import { withSession } from '../context.ts'

export interface KeepOptions extends CommonOptions {
  readonly olderThan?: string
  readonly dryRun?: boolean
}

/** A command below `ledger`: its options stand before or after its name. */
export function keeping(
  context: Context,
  name: string,
  says: string,
  run: (open: { readonly ledger: Ledger; readonly fleet: Fleet }, options: KeepOptions, argument: string) => Promise<void>,
): Command {
  const [word = '', argument] = name.split(' ')
  const command = new Command(word).description(says)
  if (argument !== undefined) command.argument(argument)
  return command.action(async (...given: unknown[]) => {
    const own = given.at(-1) as Command
    const options = own.optsWithGlobals<KeepOptions>()
    await withSession(context, options, async (session) => {
      await run(session, options, String(given[0]))
      return 0
    })
  })
}

/** One line for people, or the same as JSON. */
export function say({ io }: Context, { json = false }: KeepOptions, object: object, text: string): void {
  io.out(json ? JSON.stringify(object) : text)
}

export function keepingCommands(context: Context): Command[] {
  return [exportCommand(context), pruneCommand(context), migrateCommand(context)]
}

function exportCommand(context: Context): Command {
  return keeping(context, 'export', 'print all of it, a JSON object a row', async ({ fleet }) => {
    const { exportLedger } = await import('../../ledger/export.ts')
    await exportLedger(fleet.ledger, { random: Math.random }, context.io.out)
  })
}

function pruneCommand(context: Context): Command {
  const { clock } = context
  return keeping(context, 'prune', 'forget what ended long ago and is needed for nothing any more', async ({ ledger, fleet }, options) => {
    const dry_run = options.dryRun === true
    const pruned = await ledger.prune(clock.now() - ageOf(options, fleet), clock.now(), dry_run)
    say(context, options, { ...pruned, dry_run }, `${dry_run ? 'Would forget' : 'Forgot'} ${worded(pruned)}`)
  })
    .option('--older-than <duration>', `what ended so long ago, e.g. 90d (default: "retention" of the spec)`)
    .option('--dry-run', 'say what would be forgotten, and change nothing')
}

function migrateCommand(context: Context): Command {
  const says = 'bring it up to this version, and say so; every other command does that, too'
  return keeping(context, 'migrate', says, async ({ ledger }, options) => {
    const { where, version } = await ledger.check()
    say(context, options, { where, version }, `${where}: version ${version}, which is what this burn writes`)
  })
}

function ageOf({ olderThan }: KeepOptions, { retention }: Fleet): number {
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
