/** The names and the lines of `burn log`. */
import type { Event, EventsAbout } from '../core/events.ts'
import type { Fleet } from '../core/nouns.ts'
import type { Io } from './io.ts'
import type { BacklogLedger } from '../core/ledger/backlog.ts'
import { oneLine } from '../core/text.ts'
import { eventSentence } from '../decide/event-line.ts'
import { toSecond } from '../decide/wording.ts'
import { partOf } from '../operate/drain.ts'
import { holdTargets } from '../operate/hold.ts'
import { unknownIssue } from '../operate/issue.ts'
import { allWorkers, issueNamed } from './named.ts'
import { fit, widthOf } from './wrap.ts'

/**
 * Returns the group that names select. A full worker id may be the worker of a sprint, which is not in the spec. Throws BurnError
 * `name_unknown`, `name_ambiguous`, `issue_ref` or `issue_unknown` (exit 2).
 */
export async function aboutNames(fleet: Fleet, names: readonly string[], ledger: Pick<BacklogLedger, 'issue'>): Promise<EventsAbout> {
  const workers = allWorkers(fleet)
  const isSprint = (name: string) => name.split('/').length === 3 && !workers.some(({ id }) => id === name)
  const plain = names.filter((name) => !name.includes('#') && !isSprint(name))
  const targets = holdTargets(fleet, plain)
  const { hasWorker } = partOf(targets, fleet)
  return {
    workers: [...names.filter(isSprint), ...workers.map(({ id }) => id).filter(hasWorker)],
    issues: await Promise.all(names.filter((name) => name.includes('#')).map((name) => knownIssue(fleet, name, ledger))),
    repos: targets.filter(({ scope }) => scope === 'repo').map(({ name }) => name),
    subjects: targets.filter(({ scope }) => scope !== 'repo' && scope !== 'worker').map(({ name }) => name),
  }
}

async function knownIssue(fleet: Fleet, name: string, ledger: Pick<BacklogLedger, 'issue'>): Promise<string> {
  const issue = issueNamed(fleet, name)
  if ((await ledger.issue(issue)) === null) throw unknownIssue(issue, fleet)
  return issue
}

/**
 * Returns a function that makes one line of each event: the time, the issue or another subject, the worker and a sentence. A name is short if
 * it is unique in the fleet. On a terminal each line is cut to its width. The columns never become narrower, so that later lines fit below.
 */
export function eventLines(fleet: Fleet, io: Io): (events: readonly Event[]) => string[] {
  const names = Map.groupBy(allWorkers(fleet), ({ name }) => name)
  const shortWorker = (id: string) => {
    const name = id.slice(id.lastIndexOf('/') + 1)
    const [only, ...others] = names.get(name) ?? []
    return only?.id === id && others.length === 0 ? name : id
  }
  const shortIssue = (issue: string) => (issue.startsWith(`${fleet.forge.owner}/`) ? issue.slice(fleet.forge.owner.length + 1) : issue)
  const widths = [0, 0]
  return (events) => {
    const rows = events.map((event) => {
      const { at, subject, issue, worker } = event
      const cells = [issue === null ? (worker === null ? subject : '') : shortIssue(issue), worker === null ? '' : shortWorker(worker)]
      cells.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, widthOf(cell))))
      return { at, cells, text: oneLine(eventSentence(event), 400) }
    })
    return rows.map(({ at, cells, text }) => {
      const shown = cells.flatMap((cell, column) => {
        const width = widths[column] ?? 0
        return width === 0 ? [] : [cell + ' '.repeat(width - widthOf(cell))]
      })
      return fit([toSecond(at), ...shown, text].join('  ').trimEnd(), io.columns)
    })
  }
}
