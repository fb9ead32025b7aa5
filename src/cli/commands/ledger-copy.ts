/** `burn ledger backup`, `move` and `export`: all of the ledger in another place. */
import { command, done, type Deps, type Done, type CommandContext } from '../command.ts'
import { progressOn } from '../io.ts'
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
    file: text('<file>', 'the copy, which is a ledger as well'),
    dry_run: flag('--dry-run', 'say what would be copied, and change nothing'),
  },
  async run(deps, { file, dry_run }) {
    const { fleet } = (await deps.open()).session
    const to = `sqlite:${absolute(file, deps)}`
    const { backupLedger, dryRunBackup } = await import('../../ledger/copy.ts')
    if (dry_run) return done<Copied>({ ...(await dryRunBackup(fleet.ledger, to, deps)), dry_run })
    return done<Copied>(await counting(deps, (progress) => backupLedger(fleet.ledger, to, deps, progress)))
  },
  present({ from, to, rows, dry_run }: Copied, io) {
    io.out(dry_run === true ? `Would copy ${rows} rows from ${from} to ${to}` : `${to}: a copy of ${from}, ${rows} rows`)
  },
})

export const moveCommand = command({
  args: { to: text('<url>', 'sqlite:<file> or postgres://…'), dry_run: flag('--dry-run', 'say what would be moved, and change nothing') },
  async run(deps, { to: url, dry_run }): Promise<Done<Moved>> {
    const { fleet } = (await deps.open()).session
    const to = url.startsWith('sqlite:') ? `sqlite:${absolute(url.slice('sqlite:'.length), deps)}` : url
    const { moveLedger, dryRunMove } = await import('../../ledger/copy.ts')
    const now = deps.clock.now()
    if (dry_run) return done({ ...(await dryRunMove(fleet.ledger, to, deps, now)), ledger: to, dry_run })
    return done({
      ...(await counting(deps, (progress) => moveLedger({ from: fleet.ledger, to }, deps, now, progress))),
      ledger: to,
      dry_run,
    })
  },
  present({ from, to, rows, ledger, dry_run }: Moved, io) {
    if (dry_run === true) return io.out(`Would move ${rows} rows from ${from} to ${to}, and close the old one`)
    io.out(`${rows} rows moved from ${from}`, `Now write this into the spec:  "ledger": ${JSON.stringify(ledger)}`)
  },
})

export const exportCommand = command({
  args: {},
  async run({ open, random, io }) {
    const { exportLedger } = await import('../../ledger/export.ts')
    await exportLedger((await open()).session.fleet.ledger, { random }, io.jsonLine)
    return 0
  },
  present: () => undefined,
})

/** Shows how many rows are copied while it runs. */
async function counting<T>({ io, common }: CommandContext, work: (progress: (rows: number) => void) => Promise<T>): Promise<T> {
  const progress = progressOn(io, common.json)
  try {
    return await work((rows) => progress.say(`${rows} rows`))
  } finally {
    progress.end()
  }
}

function absolute(path: string, { cwd, home }: Deps): string {
  if (path.startsWith('/')) return path
  return path.startsWith('~/') ? `${home}/${path.slice(2)}` : `${cwd}/${path}`
}
