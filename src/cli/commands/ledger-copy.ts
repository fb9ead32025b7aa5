/** `burn ledger backup|move`: all of it in another place. */
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import type { KeepOptions } from './ledger-keep.ts'
import { progressOn } from '../progress.ts'
import { keeping, say } from './ledger-keep.ts'

const wait = { random: Math.random }

export function copyingCommands(context: Context): Command[] {
  return [backupCommand(context), moveCommand(context)]
}

function backupCommand(context: Context): Command {
  const says = 'copy it into a file, while it is in use; the file is a ledger as well'
  return keeping(context, 'backup <file>', says, async ({ fleet }, options, file) => {
    const to = `sqlite:${absolute(file, context)}`
    const { backupLedger, wouldBackup } = await import('../../ledger/copy.ts')
    if (options.dryRun === true) {
      const would = await wouldBackup(fleet.ledger, to, wait)
      return say(context, options, { ...would, dry_run: true }, `Would copy ${would.rows} rows from ${would.from} to ${would.to}`)
    }
    const copied = await showing(context, options, (progress) => backupLedger(fleet.ledger, to, wait, progress))
    say(context, options, copied, `${copied.to}: a copy of ${copied.from}, ${copied.rows} rows`)
  }).option('--dry-run', 'say what would be copied, and change nothing')
}

function moveCommand(context: Context): Command {
  const says = 'move it to another file or database; the old one is closed to everybody'
  return keeping(context, 'move <url>', says, async ({ fleet }, options, url) => {
    const to = url.startsWith('sqlite:') ? `sqlite:${absolute(url.slice('sqlite:'.length), context)}` : url
    const { moveLedger, wouldMove } = await import('../../ledger/copy.ts')
    const now = context.clock.now()
    if (options.dryRun === true) {
      const would = await wouldMove(fleet.ledger, to, wait, now)
      const text = `Would move ${would.rows} rows from ${would.from} to ${would.to}, and close the old one`
      return say(context, options, { ...would, dry_run: true }, text)
    }
    const copied = await showing(context, options, (progress) => moveLedger(fleet.ledger, to, wait, now, progress))
    const text = `${copied.rows} rows moved from ${copied.from}\nNow write this into the spec:  "ledger": ${JSON.stringify(to)}`
    say(context, options, copied, text)
  }).option('--dry-run', 'say what would be moved, and change nothing')
}

/** Counts the rows while it runs. */
async function showing<T>(
  { io }: Context,
  { json = false }: KeepOptions,
  work: (progress: (rows: number) => void) => Promise<T>,
): Promise<T> {
  const progress = progressOn(io, json)
  try {
    return await work((rows) => progress.say(`${rows} rows`))
  } finally {
    progress.end()
  }
}

function absolute(path: string, { cwd, home }: Context): string {
  if (path.startsWith('/')) return path
  return path.startsWith('~/') ? `${home}/${path.slice(2)}` : `${cwd}/${path}`
}
