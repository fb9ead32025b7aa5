/** Turns a report into a document: sections with lists and tables, which every format prints. */
import type { PeriodReport, ReportCosts, ReportedChange, ReportedNeed, WorkerPeriod } from '../core/period-report.ts'
import type { GroupCost } from '../core/price.ts'
import { counted, oneLine } from '../core/text.ts'
import { lasting } from './health-parts.ts'
import { needText } from './needs.ts'
import { countsLine, idleNote, minuteOf, prunedNote, tokensOf, trendRows, usd, workerHeads, workerRow } from './report-lines.ts'

/** An entry of a list. */
export interface ReportEntry {
  readonly text: string
  /** A second line; empty if there is none. */
  readonly detail: string
  readonly url: string | null
}

/** A part of a section. */
export type Block =
  /** `title`: a line above the list; empty if there is none. */
  | { readonly kind: 'list'; readonly title: string; readonly entries: readonly ReportEntry[] }
  | { readonly kind: 'table'; readonly heads: readonly string[]; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'timeline'; readonly since: number; readonly until: number; readonly workers: readonly WorkerPeriod[] }

/** A section with its heading. */
export interface Section {
  readonly title: string
  readonly blocks: readonly Block[]
}

/** A report as a document. */
export interface ReportDocument {
  readonly title: string
  readonly subtitle: string
  readonly sections: readonly Section[]
}

/** Returns the document of a report. It leaves out a section without content, unless its absence would leave a question open. */
export function reportDocument(report: PeriodReport): ReportDocument {
  const { fleet, since, until, pruned_before, health, needs_you, done, went_wrong, workers, costs, trend, oldest, jobs } = report
  const isObserved = workers.length === 0 || workers.some(({ timeline }) => timeline.length > 0)
  // Without samples burn does not know of most troubles, so the report must not say that there were none.
  const unknown = 'No sample covers the period, so troubles of agents, machines and jobs are unknown.'
  const sections: (Section | null)[] = [
    section(
      'Needs you',
      [list(needs_you.map((each) => needEntry(each, until)))],
      health === 'unknown'
        ? 'burn knows of nothing that needs you, but the health of the fleet is unknown: burn health'
        : 'Nothing needs you.',
    ),
    section('Done', doneBlocks(done)),
    section(
      'Went wrong',
      went_wrong.map(({ class: name, items }) => list(items.map(wrongEntry), `${name}: ${items.length}`)),
      isObserved ? 'Nothing went wrong.' : `No issue failed. ${unknown}`,
    ),
    section('Workers', [
      { kind: 'timeline', since, until, workers },
      table(workerHeads, workers.map(workerRow)),
      ...(workers.some(({ idle_while_ready: idle }) => (idle ?? 0) > 0) ? [line(idleNote)] : []),
    ]),
    costs === null ? null : section('Cost', costBlocks(costs)),
    section('Trend', [
      table(['', 'LAST 7 DAYS', '7 DAYS BEFORE'], trendRows(trend)),
      ...(pruned_before !== null && (trend.last === null || trend.before === null) ? [line(prunedNote(pruned_before))] : []),
    ]),
    section('Oldest', oldestLines(oldest, until)),
    section(
      'Jobs',
      [
        list(
          jobs.map(({ job, state, from, evidence }) => ({ text: `${job}: ${state} since ${minuteOf(from)}`, detail: evidence, url: null })),
        ),
      ],
      isObserved ? 'No job was missed.' : unknown,
    ),
    section('Counts', [line(countsLine(report))]),
  ]
  return {
    title: `Report of ${fleet}`,
    subtitle: `${minuteOf(since)} to ${minuteOf(until)} UTC, health: ${health}`,
    sections: sections.filter((each) => each !== null),
  }
}

function doneBlocks(done: PeriodReport['done']): Block[] {
  return [
    line(
      `${counted(done.merged.length, 'issue')} done, ${counted(done.opened.length, 'change')} opened for review, ${done.reviewed.length} reviewed`,
    ),
    table(['REPO', 'DONE', 'OPENED', 'REVIEWED'], reposOf(done)),
    list(
      done.merged.map((each) => changeEntry(each, 'done')),
      `done: ${done.merged.length}`,
    ),
    list(
      done.opened.map((each) => changeEntry(each, 'opened')),
      `opened: ${done.opened.length}`,
    ),
    list(
      done.reviewed.map((each) => changeEntry(each, `${oneLine(each.review, 100)},`)),
      `reviewed: ${done.reviewed.length}`,
    ),
  ]
}

/** Returns the number of done issues, and of opened and reviewed changes, of each repo. */
function reposOf({ merged, opened, reviewed }: PeriodReport['done']): string[][] {
  const count = (some: readonly ReportedChange[], wanted: string) => String(some.filter(({ repo }) => repo === wanted).length)
  const repos = [...new Set([...merged, ...opened, ...reviewed].map(({ repo }) => repo))].toSorted()
  return repos.map((repo) => [repo, count(merged, repo), count(opened, repo), reviewed.length === 0 ? '' : count(reviewed, repo)])
}

function section(title: string, blocks: readonly Block[], empty = 'Nothing.'): Section {
  const filled = blocks.filter(
    (block) => !(block.kind === 'list' && block.entries.length === 0) && !(block.kind === 'table' && block.rows.length === 0),
  )
  return { title, blocks: filled.length === 0 ? [line(empty)] : filled }
}

const line = (text: string): Block => ({ kind: 'line', text })
const list = (entries: readonly ReportEntry[], title = ''): Block => ({ kind: 'list', title, entries })

/** Returns a table without the columns that are blank in all rows, so that the table fits narrow screens. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): Block {
  const isShown = heads.map((_, column) => column === 0 || rows.some((row) => row[column] !== ''))
  const shown = (cells: readonly string[]) => cells.filter((_, column) => isShown[column])
  return { kind: 'table', heads: shown(heads), rows: rows.map(shown) }
}

/** The maximum number of rows of a table of costs. `burn costs` shows all. */
const maxCosts = 20

function costBlocks({ since, by_model, by_lane, by_issue, total, per_merged, unread, unrecorded, without_tokens }: ReportCosts): Block[] {
  const { cost, subscription_cost, unpriced_tokens } = total
  const sentences = [
    `${tokensOf(total.input + total.output)} tokens since ${minuteOf(since)}`,
    ...(cost === null ? [] : [`Cost: ${usd(cost)}`]),
    ...(subscription_cost === null ? [] : [`${usd(subscription_cost)} at list price is paid by subscriptions`]),
    ...(unpriced_tokens === 0 ? [] : [`The price of ${tokensOf(unpriced_tokens)} tokens is unknown`]),
    ...(per_merged === null ? [] : [`${usd(per_merged)} per merged change`]),
  ]
  const rows = ({ key, input, output, ...costs }: GroupCost) => {
    const unpriced = costs.unpriced_tokens === 0 ? '' : tokensOf(costs.unpriced_tokens)
    return [key === null || key === '' ? '-' : key, tokensOf(input + output), usd(costs.cost), usd(costs.subscription_cost), unpriced]
  }
  const costTable = (by: string, groups: readonly GroupCost[]) =>
    table([by.toUpperCase(), 'TOKENS', 'USD', 'PLAN USD', 'UNPRICED'], groups.slice(0, maxCosts).map(rows))
  return [
    line(`${sentences.join('. ')}.`),
    costTable('model', by_model),
    costTable('lane', by_lane),
    costTable('issue', by_issue),
    ...(by_issue.length > maxCosts ? [line(`${by_issue.length - maxCosts} more: burn costs --by issue`)] : []),
    ...(unread === 0 ? [] : [line(`${counted(unread, 'record')} could not be read, so tokens are missing.`)]),
    ...(unrecorded === 0 ? [] : [line(`${counted(unrecorded, 'worker')}: the agent records no tokens that burn can read.`)]),
    ...(without_tokens === 0 ? [] : [line(`${counted(without_tokens, 'worker')} got issues, but burn found no tokens of them.`)]),
  ]
}

function needEntry(need: ReportedNeed, until: number): ReportEntry {
  const { kind, subject, title, since, url, remedy } = need
  const about = `${kind}${since === null ? '' : ` for ${lasting(until - since)}`}: ${subject}`
  const why = needText(need, 300)
  if (title === '') return { text: `${about}: ${why}`, detail: remedy, url }
  return { text: `${about} ${oneLine(title, 100)}`, detail: `${why}; ${remedy}`, url }
}

function changeEntry({ issue, title, worker, at, url, cost }: ReportedChange, what: string): ReportEntry {
  const price = cost === null ? '' : `, ${usd(cost)}`
  return { text: `${issue} ${oneLine(title, 100)}`, detail: `${what} ${minuteOf(at)} by ${worker}${price}`, url }
}

function wrongEntry({ subject, worker, at, evidence }: PeriodReport['went_wrong'][number]['items'][number]): ReportEntry {
  const who = worker === null || worker === subject ? '' : ` (${worker})`
  return { text: `${minuteOf(at)} ${subject}${who}`, detail: oneLine(evidence, 160), url: null }
}

function oldestLines({ change, waiting }: PeriodReport['oldest'], until: number): Block[] {
  return [
    list([
      ...(change === null
        ? []
        : [{ text: `open change of ${change.issue}`, detail: `for ${lasting(until - change.since)}`, url: change.url }]),
      ...(waiting === null ? [] : [{ text: `waiting issue ${waiting.issue}`, detail: `for ${lasting(until - waiting.since)}`, url: null }]),
    ]),
  ]
}
