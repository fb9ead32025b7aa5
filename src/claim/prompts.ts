/** The texts that go to agents, from the templates that the fleet uses. */
import type { DispatchKind } from '../core/lifecycle.ts'
import type { Issue, RepoRef, RepoSettings, Worker } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import { councilPrompt, identityPrompt, workPrompt } from '../decide/prompts.ts'

interface Asked {
  readonly id: string
  readonly worker: Pick<Worker, 'name' | 'role'>
}

/** The prompt of a dispatch: work to do, or a question about an issue. */
export async function promptFor(
  { id, kind, issue, worker }: Asked & { readonly kind: DispatchKind; readonly issue: Issue },
  session: Session,
): Promise<string> {
  if (kind === 'council') return questionFor({ id, issue, question: null, worker }, session)
  const { forge, fleet, newId } = session
  const { base, check, clone_url } = settingsOf(fleet.repos, issue.repo)
  const access = forge.access(issue.repo)
  return workPrompt(
    {
      dispatch_id: id,
      issue,
      clone_url: clone_url ?? access.clone_url,
      api_url: access.api_url,
      base,
      open_change: access.open_change,
      check,
      nonce: newId(),
    },
    await template(fleet.templates.work, session),
  )
}

/** A question to a council or sentinel worker: an issue's, or a person's own. */
export async function questionFor(
  { id, issue, question, worker }: Asked & { readonly issue: Issue | null; readonly question: string | null },
  session: Session,
): Promise<string> {
  const text = await template(session.fleet.templates.council, session)
  return councilPrompt({ id, worker, issue, question, nonce: session.newId() }, text)
}

export async function identityFor(worker: Worker, session: Session): Promise<string> {
  return identityPrompt({ fleet: session.fleet.name, worker }, await template(session.fleet.templates.identity, session))
}

/** What the spec says of a repo, or what holds of one that it says nothing of. */
export function settingsOf(repos: readonly RepoSettings[], repo: RepoRef): RepoSettings {
  return repos.find((settings) => settings.repo === repo) ?? { repo, base: 'main', check: null, setup: null, clone_url: null }
}

function template(path: string | null, session: Session): Promise<string | null> {
  return path === null ? Promise.resolve(null) : session.readTemplate(path)
}
