/** `burn issue delegate` and `burn issue list`: assign issues to agents on the forge, and show who has which issue. */
import type { Fleet, RepoRef } from '../../core/nouns.ts'
import type { Io } from '../io.ts'
import type { ListedIssue } from '../../operate/list-issues.ts'
import type { Reason } from '../../core/reasons.ts'
import { reposOf } from '../../core/refs.ts'
import { counted, oneLine } from '../../core/text.ts'
import { command, done } from '../command.ts'
import { delegationTable } from '../delegation-table.ts'
import { unknownNameError } from '../named.ts'
import { duration, listTable, table } from '../table.ts'
import { flag, list } from '../args.ts'

/** Returns the named repos, or all repos of the fleet. Throws BurnError `repo_unknown` (exit 2). */
function reposNamed(fleet: Fleet, names: readonly string[]): RepoRef[] {
  const all = reposOf(fleet)
  const named = names.map((name) => (name.includes('/') ? name : `${fleet.forge.owner}/${name}`))
  for (const repo of named) if (!all.includes(repo)) throw unknownNameError('repo', repo, all)
  return names.length === 0 ? all : named
}

const unreadOf = (unread: ReadonlyMap<RepoRef, string>) => [...unread].map(([repo, why]) => ({ repo, why }))

function showUnread(unread: readonly { readonly repo: RepoRef; readonly why: string }[], io: Io): void {
  for (const { repo, why } of unread) io.err(io.paint('yellow', `${repo}: ${why}`))
}

export const delegateCommand = command({
  args: {
    repo: list('-r, --repo <repo...>', 'Assign only issues of these repos'),
    dry_run: flag('-n, --dry-run', 'Show what would be assigned, and change nothing'),
  },
  examples: ['burn issue delegate --dry-run', 'burn issue delegate --repo app'],
  notes: ['burn dispatch does the same in each cycle. The key "delegation" of the spec declares the agents (burn spec docs).'],
  async run({ open, stop }, given) {
    const { session } = await open()
    const { delegate } = await import('../../operate/delegate.ts')
    const result = await delegate(reposNamed(session.fleet, given.repo), given.dry_run, session, stop)
    if (result === null) return done({ busy: true, dry_run: false, steps: [], unread: [] })
    const { planned, done: steps, unread } = result
    const shown = (given.dry_run ? planned : steps).map(({ step, issue, agent, login, reason }) => ({ step, issue, agent, login, reason }))
    return done({ busy: false, dry_run: given.dry_run, steps: shown, unread: unreadOf(unread) }, unread.size > 0 ? 3 : 0)
  },
  present({ busy, dry_run, steps, unread }, io) {
    if (busy) return io.out('another process runs the job delegate now')
    io.out(...delegationTable(steps, io.columns))
    const count = (step: string) => steps.filter((each) => each.step === step).length
    const left = count('left')
    io.out(
      `${dry_run ? 'Would assign' : 'Assigned'} ${counted(count('assigned'), 'issue')}; ${left} suit${left === 1 ? 's' : ''} no agent.`,
    )
    showUnread(unread, io)
  },
})

export const issueListCommand = command({
  args: {
    delegated: flag('--delegated', 'List only issues that are assigned to agents, and the load of each agent'),
    repo: list('-r, --repo <repo...>', 'List only issues of these repos'),
  },
  examples: ['burn issue list', 'burn issue list --delegated', 'burn issue list --delegated --json'],
  notes: ['burn reads new issues with one listing for each repo, whatever the number of agents.'],
  async run({ open }, given) {
    const { session } = await open()
    const { listIssues } = await import('../../operate/list-issues.ts')
    const { issues, agents, unread } = await listIssues(reposNamed(session.fleet, given.repo), session)
    const listed = given.delegated ? issues.filter(({ agent, delegation }) => agent !== null || delegation !== null) : issues
    return done({ issues: listed, agents, unread: unreadOf(unread) }, unread.size > 0 ? 3 : 0)
  },
  present({ issues, agents, unread }, io, { delegated }, now) {
    if (delegated) {
      const rows = issues.map((each) => [
        each.delegation?.agent ?? each.agent ?? '',
        each.issue,
        ...stateOf(each, now),
        oneLine(each.title),
      ])
      if (rows.length > 0)
        io.out(...listTable(['AGENT', 'ISSUE', 'STATE', 'SINCE', 'DEADLINE', 'TITLE'], rows, io, ['TITLE', 'SINCE', 'DEADLINE']), '')
      const loads = agents.map(({ agent, login, lane, assigned, capacity }) => [agent, login, lane ?? '', `${assigned} of ${capacity}`])
      io.out(...table(['AGENT', 'LOGIN', 'LANE', 'ASSIGNED'], loads, io.columns))
    } else {
      const rows = issues.map(({ issue, created_at, standing, order, assignees, title }) => [
        issue,
        dayOf(created_at),
        standing ?? 'unjudged',
        orderText(order),
        assignees.join(', '),
        oneLine(title),
      ])
      const head = ['ISSUE', 'OPENED', 'STANDING', 'PRIORITY', 'ASSIGNED', 'TITLE']
      io.out(...listTable(head, rows, io, ['OPENED', 'ASSIGNED', 'TITLE']))
    }
    showUnread(unread, io)
  },
})

const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10)

/** Returns what puts an issue before older ones; empty if nothing does. */
function orderText(order: Reason): string {
  if (order.code === 'priority_set') return String(order.priority)
  if (order.code === 'priority_label') return order.label
  return order.code === 'due' ? `due ${dayOf(order.at)}` : ''
}

/** Returns the state of a delegation, the time since its start, and the time until its deadline. */
function stateOf({ delegation }: ListedIssue, now: number): [string, string, string] {
  if (delegation === null) return ['by a person', '', '']
  const { state, since, deadline } = delegation
  return [state, duration(now - since), state === 'started' ? '' : deadline <= now ? 'passed' : duration(deadline - now)]
}
