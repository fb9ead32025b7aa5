/** Asks the questions of `burn init` on a terminal. */
import * as clack from '@clack/prompts'
import type { FoundAgent, FoundToken } from '../operate/init-find.ts'
import type { ForgeAnswers, InitFacts, InitOptions, ServerForge } from '../operate/init.ts'
import type { InitAnswers } from '../operate/init-write.ts'
import type { StarterRepo } from '../spec/starter.ts'
import { programNames } from '../core/agent-kinds.ts'
import { counted, sanitize } from '../core/text.ts'
import { shortPath } from '../operate/init-find.ts'
import { defaultPanes, folderAnswers, reposNamed, starterRepos, tokenAnswer } from '../operate/init.ts'
import { fleetNameOf } from '../operate/init-write.ts'
import { starterFault } from '../spec/starter.ts'
import { wrap } from './wrap.ts'

/** Thrown when the person cancels, so that no question needs to check for it. */
class Cancelled extends Error {}

/** Returns an answer. Throws `Cancelled` after Ctrl-C or Escape. */
async function answerTo<T>(asked: Promise<T>): Promise<Exclude<T, symbol>> {
  const given = await asked
  if (clack.isCancel(given)) throw new Cancelled()
  // `isCancel` has excluded the only symbol.
  return given as Exclude<T, symbol>
}

/** The terminal on which burn asks. `signal`: aborted by Ctrl-C between two questions. */
interface Terminal {
  readonly width: number
  readonly signal: AbortSignal
}

/** Asks for each value that no option gives, and returns the answers; null if the person cancels. */
export async function askAll(given: InitOptions, facts: InitFacts, terminal: Terminal): Promise<InitAnswers | null> {
  try {
    return await new Questions(given, facts, terminal).all()
  } catch (thrown) {
    if (!(thrown instanceof Cancelled)) throw thrown
    clack.cancel('Cancelled')
    return null
  }
}

const countFault = (text: string) => (/^[1-9]\d{0,2}$/.test(text) && Number(text) <= 500 ? null : 'must be a number from 1 to 500')
const nameFault = (text: string) => starterFault('name', text)
const urlFault = (text: string) => starterFault('url', text)
const ownerFault = (text: string) => starterFault('owner', text)
const tokenFault = (text: string | undefined) => (/^[\x21-\x7e]*$/.test((text ?? '').trim()) ? undefined : 'must be one word')

const words = (text: string) => text.split(/[\s,]+/).filter((word) => word !== '')

function reposFault(text: string): string | null {
  if (words(text).length === 0) return 'must name a repo'
  const faults = words(text).map((word) => starterFault('repo', word))
  return faults.find((fault) => fault !== null) ?? null
}

class Questions {
  readonly #given: InitOptions
  readonly #facts: InitFacts
  readonly #terminal: Terminal

  constructor(given: InitOptions, facts: InitFacts, terminal: Terminal) {
    this.#given = given
    this.#facts = facts
    this.#terminal = terminal
  }

  async all(): Promise<InitAnswers> {
    const { spec_file, old } = this.#facts
    clack.intro('burn init')
    clack.log.info(this.#lines(this.#foundText()))
    const replace = old !== null
    if (replace && !(await this.#confirm(`Replace ${spec_file}?`, false))) throw new Cancelled()
    const forge = await this.#forge()
    const agent = await this.#agent()
    const panes = this.#given.panes ?? Number(await this.#text('How many panes with an agent?', String(defaultPanes), countFault))
    const name = this.#given.name ?? (await this.#text('Name of the fleet', fleetNameOf(spec_file), nameFault))
    if (!(await this.#confirm(`Write ${spec_file}?`))) throw new Cancelled()
    clack.outro('Done')
    return { name, agent, panes, replace, ...forge }
  }

  async #forge(): Promise<ForgeAnswers> {
    const { folder, url, owner, repo } = this.#given
    const found = this.#facts.forge
    if (folder) return folderAnswers(this.#facts)
    if (url !== undefined || owner !== undefined || repo.length > 0) return this.#server()
    const options = [
      { value: 'gitea', label: 'Gitea or Forgejo', hint: sanitize(found?.url ?? 'a server') },
      { value: 'folder', label: 'A new folder of files', hint: 'with an example' },
    ]
    const initialValue = found === null ? 'folder' : 'gitea'
    const { signal } = this.#terminal
    const kind = await answerTo(clack.select({ message: 'Where are the issues?', initialValue, options, signal }))
    return kind === 'folder' ? folderAnswers(this.#facts) : this.#server()
  }

  async #server(): Promise<ForgeAnswers> {
    const { forge, forgeFault } = this.#facts
    const url = this.#given.url ?? (await this.#text('Address of the forge', forge?.url ?? 'https://', urlFault))
    const fault = await forgeFault(url)
    if (fault !== null) clack.log.warn(this.#lines(fault))
    const owner = this.#given.owner ?? (await this.#text('Owner of the repos', forge?.owner ?? '', ownerFault))
    const repos = await this.#repos(starterRepos(forge?.checkouts ?? [], owner))
    return { repos, ...(await this.#token({ kind: 'gitea', url, owner })) }
  }

  async #repos(known: readonly StarterRepo[]): Promise<readonly StarterRepo[]> {
    const { repo } = this.#given
    if (repo.length > 0) return reposNamed(repo, known)
    if (known.length === 0) return reposNamed(words(await this.#text('Repos, with spaces between them', '', reposFault)), [])
    const options = known.map(({ name, check }) => ({ value: name, label: name, ...(check === null ? {} : { hint: check }) }))
    const initialValues = known.map(({ name }) => name)
    const { signal } = this.#terminal
    return reposNamed(await answerTo(clack.multiselect({ message: 'Repos', options, initialValues, signal })), known)
  }

  /** Asks for a token if burn finds none, and whether burn may write a token to its own file. */
  async #token(forge: Omit<ServerForge, 'token'>): Promise<Pick<ForgeAnswers, 'forge' | 'token' | 'remarks'>> {
    const { token_file, home, tokenFor } = this.#facts
    const found = await tokenFor(forge.url)
    const mayUse =
      found !== null &&
      (found.copies === null || (await this.#confirm(`Copy the token of ${found.name} to ${shortPath(token_file, home)}?`)))
    const { source, file, remark } = tokenAnswer(mayUse ? found : await this.#typedToken(), this.#facts)
    return { forge: { ...forge, token: source }, token: file, remarks: remark === null ? [] : [remark] }
  }

  async #typedToken(): Promise<FoundToken | null> {
    const { signal } = this.#terminal
    const message = 'API token of the forge (empty: later)'
    // An empty answer is undefined.
    const typed = (await answerTo(clack.password({ message, validate: tokenFault, signal }))) as string | undefined
    const token = (typed ?? '').trim()
    return token === '' ? null : { source: null, name: null, copies: token }
  }

  async #agent(): Promise<FoundAgent> {
    const { agents } = this.#facts.programs
    const of = (kind: FoundAgent['kind']) => agents.find((each) => each.kind === kind) ?? { kind, command: null }
    if (this.#given.agent !== undefined) return of(this.#given.agent)
    const isFound = (kind: FoundAgent['kind']) => agents.some((each) => each.kind === kind)
    const options = programNames
      .toSorted((a, b) => Number(isFound(b)) - Number(isFound(a)))
      .map((kind) => ({ value: kind, label: kind, ...(isFound(kind) ? {} : { hint: 'not installed' }) }))
    return of(await answerTo(clack.select({ message: 'Agent program in the panes', options, signal: this.#terminal.signal })))
  }

  #confirm(message: string, initialValue = true): Promise<boolean> {
    return answerTo(clack.confirm({ message: sanitize(message), initialValue, signal: this.#terminal.signal }))
  }

  /** Asks for a text. `fault` returns the fault of a text, or null. */
  async #text(message: string, initialValue: string, fault: (text: string) => string | null): Promise<string> {
    const validate = (text: string | undefined) => fault((text ?? '').trim()) ?? undefined
    const { signal } = this.#terminal
    return (await answerTo(clack.text({ message, initialValue: sanitize(initialValue), validate, signal }))).trim()
  }

  /** Returns a text as lines that fit the terminal, beside the line that clack draws. */
  #lines(text: string): string {
    const all = text.split('\n').flatMap((line) => wrap(sanitize(line), this.#terminal.width - 3))
    return all.join('\n')
  }

  #foundText(): string {
    const { forge, programs } = this.#facts
    const agents = programs.agents.map(({ kind }) => kind).join(', ')
    return [
      forge === null ? 'Found no git remote of a Gitea or Forgejo' : `Found ${counted(forge.checkouts.length, 'repo')} at ${forge.host}`,
      agents === '' ? 'Found no agent program' : `Found the agent programs: ${agents}`,
      ...(programs.tmux ? [] : ['tmux is not installed']),
    ].join('\n')
  }
}
