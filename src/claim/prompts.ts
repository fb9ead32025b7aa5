/** Builds the texts for agents from the fleet's templates. */
import type { DispatchKind } from '../core/lifecycle.ts'
import type { Fleet, Issue, RepoRef, RepoSettings, Worker } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import { baseOf } from '../observe/repo-facts.ts'
import { councilPrompt, identityPrompt, workPrompt } from '../decide/prompts.ts'

interface PromptTarget {
  readonly id: string
  readonly worker: Pick<Worker, 'name' | 'role'>
}

/** Returns the prompt of a dispatch: a request to work on an issue, or a question about an issue. Throws if a template cannot be read. */
export async function promptFor(
  { id, kind, issue, worker }: PromptTarget & { readonly kind: DispatchKind; readonly issue: Issue },
  session: Session,
): Promise<string> {
  if (kind === 'council') return questionFor({ id, issue, question: null, worker }, session)
  const { forge, fleet, newId } = session
  const { check, clone_url } = settingsOf(fleet, issue.repo)
  const base = await baseOf(issue.repo, session)
  const access = forge.access(issue.repo, base)
  return workPrompt(
    {
      dispatch_id: id,
      branch_prefix: fleet.dispatch.branch_prefix,
      issue,
      clone_url: clone_url ?? access.clone_url,
      api_url: access.api_url,
      base,
      open_change: access.open_change,
      check,
      nonce: newId(),
    },
    await readTemplate(fleet.templates.work, session),
  )
}

/**
 * Returns a question for a council or sentinel worker, either an issue or a question that a person wrote. Throws if the template cannot be
 * read.
 */
export async function questionFor(
  { id, issue, question, worker }: PromptTarget & { readonly issue: Issue | null; readonly question: string | null },
  session: Session,
): Promise<string> {
  const text = await readTemplate(session.fleet.templates.council, session)
  return councilPrompt({ id, worker, issue, question, nonce: session.newId() }, text)
}

/** Returns the text that tells a worker its name and role. Throws if the template cannot be read. */
export async function identityFor(worker: Worker, session: Session): Promise<string> {
  const { name, dispatch } = session.fleet
  return identityPrompt(
    { fleet: name, branch_prefix: dispatch.branch_prefix, worker },
    await readTemplate(session.fleet.templates.identity, session),
  )
}

/** Returns the settings of a repo from the spec, or the defaults if the spec has none for it. */
export function settingsOf({ repos, changes }: Pick<Fleet, 'repos' | 'changes'>, repo: RepoRef): RepoSettings {
  const defaults = { repo, base: null, check: null, setup: null, copy: null, clone_url: null, changes }
  return repos.find((settings) => settings.repo === repo) ?? defaults
}

function readTemplate(path: string | null, session: Session): Promise<string | null> {
  return path === null ? Promise.resolve(null) : session.readTemplate(path)
}
