/**
 * Decides which commands in comments burn obeys: those of people who may write. burn never obeys its own account, and obeys a bot only if
 * the spec names it.
 */
import type { SteerAction } from '../core/actions.ts'
import type { Moment, ReposFacet, SteeringFacet } from '../core/fleet-state.ts'
import type { Fleet } from '../core/nouns.ts'
import type { Reason } from '../core/reasons.ts'
import type { SteeringComment } from '../core/steering.ts'
import { isSameLogin } from '../core/assignees.ts'
import { repoOfSubject } from '../core/refs.ts'

/** Logins of accounts that programs of a forge use. */
const botLogin = /\[bot\]$|^(?:gitea|forgejo|github)-actions$/i

/** Returns the commands to handle, oldest first. Comments of others get no reaction, so that strangers cannot make burn write. */
export function steering({
  fleet,
  writers,
  steering: { comments, login },
}: Moment & Pick<ReposFacet, 'writers'> & SteeringFacet): SteerAction[] {
  const may = (comment: SteeringComment) => maySteer(comment.author, fleet, { login, writers: writers.get(repoOfSubject(comment.ref)) })
  return comments
    .filter(may)
    .toSorted((a, b) => a.created_at - b.created_at || Number(a.id) - Number(b.id))
    .map(({ ref, id, author, created_at, steering: { word, ...unclear } }) => {
      const refusal: Reason | null = 'text' in unclear ? { code: 'steering_unclear', text: unclear.text } : null
      return { do: 'steer', ref, comment: id, author, created_at, word, refusal }
    })
}

/** Returns true if burn obeys the commands of an account. `login`: burn's own account. */
function maySteer(
  author: string,
  { dispatch, delegation }: Fleet,
  { login, writers }: { readonly login: string; readonly writers: ReadonlySet<string> | undefined },
): boolean {
  if (isSameLogin(author, login) || writers?.has(author) !== true) return false
  const { commands } = dispatch.trust
  if (commands !== 'writers') return commands.some((each) => isSameLogin(each, author))
  return !botLogin.test(author) && delegation?.agents.some((agent) => isSameLogin(agent.login, author)) !== true
}
