/** Reads the comments with commands from the forge, as seldom as possible. */
import type { SteeringFacet } from '../core/fleet-state.ts'
import type { ForgeLedger, RepoRecord } from '../core/ledger/forge.ts'
import type { SteeringLedger } from '../core/ledger/steering.ts'
import type { RepoRef, Time } from '../core/nouns.ts'
import type { IssuePage } from '../core/ports.ts'
import type { SteeringComment } from '../core/steering.ts'
import type { SessionPart } from './session.ts'
import { BurnError, isLedgerFailure, messageWithHint } from '../core/errors.ts'
import { steeringIn } from '../decide/steering-comment.ts'

/** Overlap of two readings of comments (ms). A forge may publish a comment a little later than the timestamp of the comment says. */
const overlap = 30_000

/** A repo whose issues burn has just listed. */
export interface ListedRepo {
  readonly repo: RepoRef
  readonly page: IssuePage
  /** The repo's record before the listing; null if this is the first one. */
  readonly record: RepoRecord | null
  /** The time of a listing of changes in this cycle, by the forge's clock; null if there was none. */
  readonly asked_at: Time | null
  /** The logins that may write to the repo. */
  readonly writers: ReadonlySet<string>
}

type Ports = SessionPart<SteeringLedger & Pick<ForgeLedger, 'saveIssues'>, 'forge' | 'clock' | 'notify'>

/** The new comments with commands of one repo. */
export interface RepoSteering {
  readonly repo: RepoRef
  readonly comments: readonly SteeringComment[]
  /** burn has read all comments that were written before this time; null if it has not read them now. */
  readonly at: Time | null
  /** The logins that may write, if burn asked for them again. */
  readonly writers: ReadonlySet<string> | null
}

const nothing = (repo: RepoRef): RepoSteering => ({ repo, comments: [], at: null, writers: null })

/**
 * Returns the new comments with commands of a repo. Makes one request if an issue or a change of the repo moved since the last reading,
 * otherwise none. If a comment has a command, asks again whether the writers may still write. Reads an issue again if a comment approves
 * it. If the forge refuses, the next cycle tries again.
 */
export async function readRepoSteering({ repo, page, record, asked_at, writers }: ListedRepo, ports: Ports): Promise<RepoSteering> {
  const { forge, ledger, notify } = ports
  // burn obeys no comment that is older than its first reading of the repo.
  if (record?.comments_at == null) return { ...nothing(repo), at: asked_at }
  const since = record.comments_at
  if (Math.max(newestIn(page), record.news_at ?? 0) < since) return nothing(repo)
  try {
    const read = await forge.repoComments(repo, since, '/burn')
    // An edit moves the time of a comment. Only new comments count.
    const fresh = read.comments.filter(({ created_at }) => created_at >= since)
    const commands = fresh.flatMap((each): SteeringComment[] => {
      const found = steeringIn(each.body)
      return found === null ? [] : [{ ...each, steering: found }]
    })
    const keyed = commands.map((each) => ({ ...each, comment: each.id }))
    const unhandled = keyed.length === 0 ? [] : await ledger.unhandledComments(keyed)
    const may = unhandled.length === 0 ? null : new Set(await forge.writers(repo, [...writers]))
    await readAgain(
      unhandled.filter(({ author }) => may?.has(author) === true),
      page.cursor,
      ports,
    )
    return { repo, comments: unhandled, at: Math.max(since, read.asked_at - overlap), writers: may }
  } catch (thrown) {
    if (isLedgerFailure(thrown) || !(thrown instanceof BurnError)) throw thrown
    notify({ kind: 'forge.skipped', subject: repo, payload: { what: `the comments of ${repo}: ${messageWithHint(thrown)}` } })
    return nothing(repo)
  }
}

/**
 * Reads the issues again that comments approve. Somebody may have edited them between the listing and the comment. Then burn must not
 * approve the text of the listing.
 */
async function readAgain(comments: readonly SteeringComment[], cursor: string, { forge, ledger, clock }: Ports): Promise<void> {
  const approved = new Set(comments.flatMap(({ ref, steering }) => (steering.word === 'go' && !ref.includes('!') ? [ref] : [])))
  for (const ref of approved) {
    const issue = await forge.issue(ref)
    if (issue !== null) await ledger.saveIssues([{ repo: issue.repo, issues: [issue], cursor, complete: false }], clock.now())
  }
}

function newestIn({ issues, changed_at }: IssuePage): Time {
  return issues.reduce((newest, { updated_at }) => Math.max(newest, updated_at), changed_at ?? 0)
}

/**
 * Returns the commands of all repos, with burn's own login. Without the login burn obeys no comment, because its own comments do not count,
 * and the next cycle reads the comments again.
 */
export async function steeringOf(read: readonly RepoSteering[], login: () => Promise<string | null>): Promise<SteeringFacet['steering']> {
  const comments = read.flatMap((each) => each.comments)
  const own = comments.length === 0 ? '' : await login()
  if (own === null) return noSteering
  return { comments, login: own, read: new Map(read.flatMap(({ repo, at }) => (at === null ? [] : [[repo, at] as const]))) }
}

/** The facet without commands. */
const noSteering: SteeringFacet['steering'] = { comments: [], login: '', read: new Map() }
