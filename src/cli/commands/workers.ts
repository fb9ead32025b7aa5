/** `burn worker list` and `burn worker show`: the life and the work of workers. */
import type { Worker } from '../../core/nouns.ts'
import type { WorkerDetails } from '../../observe/worker-list.ts'
import type { Io } from '../io.ts'
import { lifeSteps } from '../../core/lifecycle.ts'
import { eventText } from '../../decide/event-kinds.ts'
import { toSecond } from '../../decide/wording.ts'
import { ownWorkText } from '../../observe/worker-clones.ts'
import { command, done } from '../command.ts'
import { workerNamed, workersNamed } from '../named.ts'
import { duration } from '../table.ts'
import { lifeText, listedWorker, workerLines, type ListedWorker } from '../worker-table.ts'
import { flag, list, optional, text, timeFrom } from '../args.ts'

export const workerListCommand = command({
  args: {
    names: list('[name...]', 'Workers, windows, lanes or machines to show (default: all)'),
    since: optional('--since <when>', 'Start of the period that DONE, FAILED, TIME and USD are about, such as 8h or 20:00 (default: 24h)'),
    all: flag('--all', 'Also show workers that the spec no longer has and that have no pane'),
  },
  examples: ['burn worker list', 'burn worker list mac --since 20:00', 'burn worker list --json'],
  notes: [
    'LIFE: declared, provisioned, deployed, held, draining, silent, retiring or retired. SEEN: the time since the last sign of life. A blank cell means that the value is unknown.',
    'TIME comes from samples, which a dispatcher takes while it runs (burn start).',
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

export const workerShowCommand = command({
  args: {
    worker: text('<worker>', 'Worker, as machine/WINDOW/NAME or NAME'),
    since: optional('--since <when>', 'Start of the period that the numbers are about, such as 8h or 20:00 (default: 24h)'),
  },
  examples: ['burn worker show AZOTH', 'burn worker show AZOTH --json'],
  async run({ open, clock }, given) {
    const { session } = await open()
    const { readWorkerDetails } = await import('../../observe/worker-list.ts')
    const worker = workerNamed(session.fleet, given.worker)
    const from = timeFrom(given.since ?? '24h', clock.now(), -1)
    const { summary, ...details } = await readWorkerDetails(worker, session, from)
    const next = lifeSteps[summary.life].flatMap(({ by }) => (by.startsWith('burn ') ? [by.replaceAll('NAME', worker.name)] : []))
    const { machine, window, home, repos } = worker
    return done({ machine, window, home, repos, ...listedWorker(summary), period_since: new Date(from).toISOString(), ...details, next })
  },
  present(shown, io, _, now) {
    io.out(...detailLines(shown, io, now))
  },
})

type Shown = Omit<WorkerDetails, 'summary'> &
  ListedWorker &
  Pick<Worker, 'machine' | 'window' | 'home'> & { readonly next: readonly string[] }

function detailLines(shown: Shown, io: Io, now: number): string[] {
  const { id, life, since, evidence, issues, provision, folder, events, next } = shown
  const age = since === null ? '' : ` for ${duration(now - Date.parse(since))}`
  const row = (name: string, value: string) => (value === '' ? [] : [`  ${name.padEnd(9)} ${value}`])
  return [
    `${io.paint('bold', id)}  ${lifeText(life, io)}${age}: ${evidence}`,
    ...row('place', `machine ${shown.machine}, window ${shown.window}, lane ${shown.lane ?? ''}, role ${shown.role ?? ''}`),
    ...row('home repo', shown.home ?? ''),
    ...row('issues', issues.join(', ')),
    ...row('work', workText(shown)),
    ...row('signs', shown.signs.map(({ kind, at }) => `${kind} ${duration(now - Date.parse(at))} ago`).join(', ')),
    ...row('login', loginText(shown, now)),
    ...row('model', shown.model ?? ''),
    ...row('folder', folder === null ? 'the machine did not answer' : folder.exists ? folder.path : `${folder.path} (missing)`),
    ...(folder?.clones ?? []).flatMap((clone) =>
      row('clone', `${clone.path}${clone.branch === null ? '' : ` (${clone.branch})`}: ${ownWorkText(clone)}`),
    ),
    ...(provision === null ? [] : ['', `${io.paint('bold', 'provisioned')}  ${toSecond(provision.at)}`]),
    ...(provision?.steps ?? []).flatMap(({ step, state, what }) => (state === 'none' ? [] : row(step, `${state}: ${what}`))),
    ...(events.length === 0 ? [] : ['', io.paint('bold', 'history')]),
    ...events.map((event) => `  ${toSecond(event.at)}  ${event.kind}  ${eventText(event)}`),
    '',
    `${io.paint('bold', 'next')}  ${next.join('   ')}`,
  ]
}

function loginText({ login }: ListedWorker, now: number): string {
  if (login === null) return ''
  const { state, provider, file, ends_at } = login
  const end =
    ends_at === null
      ? ''
      : `, ends ${Date.parse(ends_at) > now ? `in ${duration(Date.parse(ends_at) - now)}` : `${duration(now - Date.parse(ends_at))} ago`}`
  return `${state}${end} (${[provider, file].filter((part) => part !== '').join(', ')})`
}

function workText({ done: count, failed, worked, cost }: ListedWorker): string {
  const parts = [`${count} done`, `${failed} failed`]
  return [...parts, ...(worked === null ? [] : [`${duration(worked)} at work`]), ...(cost === null ? [] : [`${cost.toFixed(2)} USD`])].join(
    ', ',
  )
}
