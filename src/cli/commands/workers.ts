/** `burn worker list`: shows the life and the work of each worker. */
import { command, done } from '../command.ts'
import { workersNamed } from '../named.ts'
import { workerLines, listedWorker } from '../worker-table.ts'
import { flag, list, optional, timeFrom } from '../args.ts'

export const workerListCommand = command({
  args: {
    names: list('[name...]', 'Workers, windows, lanes or machines to show (default: all)'),
    since: optional('--since <when>', 'Start of the period that DONE, FAILED, TIME and USD are about, such as 8h or 20:00 (default: 24h)'),
    all: flag('--all', 'Also show workers that the spec no longer has and that have no pane'),
  },
  examples: ['burn worker list', 'burn worker list mac --since 20:00', 'burn worker list --json'],
  notes: [
    'LIFE: declared, provisioned, deployed, held, draining, silent, retiring or retired (docs/how-to/lifecycle.md). SEEN: the time since the last sign of life. A blank cell means that the value is unknown.',
    'TIME comes from samples, which a dispatcher takes while it runs (burn dispatch --cycles 0).',
  ],
  async run({ open, clock }, { names, since, all }) {
    const { session } = await open()
    const { readWorkerList } = await import('../../observe/worker-list.ts')
    const wanted = new Set(names.flatMap((name) => workersNamed(session.fleet, name).map(({ id }) => id)))
    const from = timeFrom(since ?? '24h', clock.now(), -1)
    const found = await readWorkerList(session, { since: from, all })
    const workers = names.length === 0 ? found : found.filter(({ id }) => wanted.has(id))
    return done({ since: new Date(from).toISOString(), workers: workers.map(listedWorker) })
  },
  present({ workers }, io, _, now) {
    io.out(...workerLines(workers, io, now))
  },
})
