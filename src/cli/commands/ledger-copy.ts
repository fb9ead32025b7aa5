/** `burn ledger backup`, `move` and `export`: copy the whole ledger. */
import { command, done, type Deps, type Done, type CommandContext } from '../command.ts'
import { progressOn } from '../io.ts'
import { counted } from '../../core/text.ts'
import { flag, text } from '../args.ts'

interface Moved extends Copied {
  readonly ledger: string
}

interface Copied {
  readonly from: string
  readonly to: string
  readonly rows: number
  readonly dry_run?: boolean
}

export const backupCommand = command({
  args: {
    file: text('<file>', 'File to write the copy to; the copy is a complete SQLite ledger'),
    dry_run: flag('--dry-run', 'Show what would be copied, and change nothing'),
  },
  async run(deps, { file, dry_run }) {
    const { fleet } = (await deps.open()).session
    const to = `sqlite:${absolute(file, deps)}`
    const { backupLedger, dryRunBackup } = await import('../../ledger/copy.ts')
    if (dry_run) return done<Copied>({ ...(await dryRunBackup(fleet.ledger, to, deps)), dry_run })
    return done<Copied>(await withProgress(deps, (progress) => backupLedger(fleet.ledger, to, deps, progress)))
  },
  examples: ['burn ledger backup ~/backups/burn.db'],
  present({ from, to, rows, dry_run }: Copied, io) {
    io.out(
      dry_run === true
        ? `Would copy ${counted(rows, 'row')} from ${from} to ${to}`
        : `Copied ${counted(rows, 'row')} from ${from} to ${to}`,
    )
  },
})

export const moveCommand = command({
  args: {
    to: text('<url>', 'New ledger: sqlite:<file> or postgres://…'),
    dry_run: flag('--dry-run', 'Show what would be moved, and change nothing'),
  },
  async run(deps, { to: url, dry_run }): Promise<Done<Moved>> {
    const { fleet } = (await deps.open()).session
    const to = url.startsWith('sqlite:') ? `sqlite:${absolute(url.slice('sqlite:'.length), deps)}` : url
    const { moveLedger, dryRunMove } = await import('../../ledger/copy.ts')
    const now = deps.clock.now()
    if (dry_run) return done({ ...(await dryRunMove(fleet.ledger, to, deps, now)), ledger: to, dry_run })
    return done({
      ...(await withProgress(deps, (progress) => moveLedger({ from: fleet.ledger, to }, deps, now, progress))),
      ledger: to,
      dry_run,
    })
  },
  examples: ['burn ledger move postgres://burn@db.example.com/burn --dry-run', 'burn ledger move sqlite:~/burn.db'],
  notes: ['burn closes the old ledger. A command that still uses the old ledger fails, and its error message names the new ledger.'],
  present({ from, to, rows, ledger, dry_run }: Moved, io) {
    if (dry_run === true) return io.out(`Would move ${counted(rows, 'row')} from ${from} to ${to}, and close the old ledger`)
    io.out(`Moved ${counted(rows, 'row')} from ${from}`, `Now write this in the spec:  "ledger": ${JSON.stringify(ledger)}`)
  },
})

export const exportCommand = command({
  args: {},
  examples: ['burn ledger export > ledger.jsonl'],
  async run({ open, random, io }) {
    const { exportLedger } = await import('../../ledger/export.ts')
    await exportLedger((await open()).session.fleet.ledger, { random }, io.jsonLine)
    return 0
  },
  present: () => undefined,
})

/** Runs `work`, shows the number of copied rows while it runs, and returns the result of `work`. */
async function withProgress<T>({ io, common }: CommandContext, work: (progress: (rows: number) => void) => Promise<T>): Promise<T> {
  const progress = progressOn(io, common.json)
  try {
    return await work((rows) => progress.say(counted(rows, 'row')))
  } finally {
    progress.end()
  }
}

/** Returns the absolute path for a path that is absolute, begins with `~/`, or is relative to the working directory. */
function absolute(path: string, { cwd, home }: Deps): string {
  if (path.startsWith('/')) return path
  return path.startsWith('~/') ? `${home}/${path.slice(2)}` : `${cwd}/${path}`
}
