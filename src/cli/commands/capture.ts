/** `burn capture`: prints the screen of a worker's pane, saves a snapshot of all panes, or compares two saved snapshots. */
import { join, resolve } from 'node:path'
import type { SavedSnapshot } from '../../capture/capture.ts'
import type { PaneDiff, SnapshotDiff } from '../../capture/diff.ts'
import type { Io } from '../io.ts'
import { counted } from '../../core/text.ts'
import { command, done, exitFor } from '../command.ts'
import { machinesNamed, workerNamed } from '../named.ts'
import { flag, list, optional, parsedArg, parseWholeNumber, usage } from '../args.ts'
import { unreachableText } from '../../decide/wording.ts'

type Captured =
  | { readonly worker: string; readonly rows: readonly string[] }
  | { readonly saved: SavedSnapshot }
  | { readonly diff: SnapshotDiff }

export const captureCommand = command({
  args: {
    worker: optional('[worker]', 'Worker whose screen burn prints'),
    lines: parsedArg('-l, --lines <n>', 'Number of rows of history above the screen', parseWholeNumber, 0),
    ansi: flag('--ansi', 'Keep colours and styles, but no other escape sequences'),
    all: flag('-a, --all', 'Save the screens and facts of all panes in a new folder'),
    machine: list('-m, --machine <machine...>', 'With --all: save only the panes of these machines'),
    output: optional('-o, --output <folder>', 'With --all: folder to create (default: a folder of burn, named by the time)'),
    html: flag('--html', 'With --all: also write the panes as one HTML page, which can be searched'),
    diff: list('--diff <folder...>', 'Compare two saved snapshots: the older folder, then the newer folder'),
  },
  examples: [
    'burn capture AZOTH',
    'burn capture AZOTH --lines 200 > azoth.txt',
    'burn capture --all --html --output /tmp/fleet',
    'burn capture --diff /tmp/fleet /tmp/fleet-later',
  ],
  notes: [
    'A saved snapshot has the file panes.jsonl with one object for each pane, and text files with the rows. burn masks the secrets that it knows or recognises.',
    'Exit codes: 0 done, 1 failed, 2 usage or spec error, 3 a machine was unreachable, so the snapshot lacks its panes.',
  ],
  async run({ open, cwd, clock }, given) {
    const { worker, all, diff, lines, machine, output, html } = given
    if ([worker !== undefined, all, diff.length > 0].filter(Boolean).length !== 1)
      throw usage('burn capture needs exactly one of these: a worker, --all, --diff', 'write, for example, burn capture --all')
    if (!all && (output !== undefined || html || machine.length > 0)) throw usage('--output, --html and --machine need --all')
    if (diff.length > 0) {
      if (diff.length !== 2) throw usage('--diff needs two folders', 'write burn capture --diff BEFORE AFTER')
      const [{ readSnapshot }, { diffSnapshots }] = await Promise.all([import('../../capture/stored.ts'), import('../../capture/diff.ts')])
      const [before, after] = await Promise.all([readSnapshot(resolve(cwd, diff[0] ?? '')), readSnapshot(resolve(cwd, diff[1] ?? ''))])
      return done<Captured>({ diff: diffSnapshots(before, after) })
    }
    const { session } = await open()
    if (worker !== undefined) {
      const { captureWorker } = await import('../../operate/capture.ts')
      const found = workerNamed(session.fleet, worker)
      return done<Captured>({ worker: found.id, rows: await captureWorker(found, session, given) })
    }
    const [{ maxHistory, saveSnapshot }, { folderName }] = await Promise.all([
      import('../../capture/capture.ts'),
      import('../../capture/stored.ts'),
    ])
    if (lines > maxHistory) throw usage(`--lines can be at most ${maxHistory} with --all`)
    const dir = output === undefined ? join(session.fleet.snapshot.dir, folderName(clock.now())) : resolve(cwd, output)
    const saved = await saveSnapshot(machinesNamed(session.fleet, machine), session, { dir, history: lines, page: html })
    const reached = saved.machines.filter(({ state }) => state !== 'unreachable')
    return done<Captured>({ saved }, exitFor(reached.length, saved.machines.length))
  },
  present(shown: Captured, io) {
    if ('rows' in shown) io.out(...shown.rows.map((row) => withColours(row, io)))
    else if ('saved' in shown) presentSaved(shown.saved, io)
    else presentDiff(shown.diff, io)
  },
})

/** Returns the row with its colour and style sequences marked as burn's own, so that `Io` prints them. `Io` escapes all other sequences. */
function withColours(row: string, io: Io): string {
  return row.replace(/\x1b\[([\d;:]*m)/g, (_, style: string) => io.control(style))
}

function presentSaved({ dir, page, panes, machines, unread_secrets }: SavedSnapshot, io: Io): void {
  const reached = machines.filter(({ state }) => state !== 'unreachable')
  io.out(`saved ${counted(panes, 'pane')} of ${counted(reached.length, 'machine')}: ${page ?? dir}`)
  for (const { name, state, reason } of machines)
    if (state !== 'up') io.err(state === 'down' ? `${name}: no tmux server runs. Run burn up.` : unreachableText(name, reason ?? ''))
  if (unread_secrets > 0)
    io.err(`burn could not read ${counted(unread_secrets, 'secret')} of the spec, so it could not mask them. Run burn doctor.`)
}

function presentDiff({ panes, same }: SnapshotDiff, io: Io): void {
  for (const pane of panes) {
    io.out(paneLine(pane, io))
    for (const { text } of pane.removed) io.out(io.paint('red', `  - ${text}`))
    for (const { text } of pane.added) io.out(io.paint('green', `  + ${text}`))
  }
  io.out(`${counted(panes.length, 'pane')} changed, ${same} unchanged`)
}

function paneLine({ pane, change, state, removed, added }: PaneDiff, io: Io): string {
  const reason = { added: 'new pane', removed: 'the pane is gone', unknown: 'its machine was unreachable', changed: '' }[change]
  const states = change !== 'changed' || state === null ? '' : `${state.before ?? 'no worker'} → ${state.after ?? 'no worker'}`
  const rows = removed.length + added.length === 0 ? '' : `${counted(Math.max(removed.length, added.length), 'row')} changed`
  return `${io.paint('bold', pane)}: ${[reason, states, rows].filter((part) => part !== '').join(', ')}`
}
