/** Asks the questions of `burn init` on a terminal. */
import * as clack from '@clack/prompts'
import type { Io } from './io.ts'
import type { FoundAgent } from '../operate/init-find.ts'
import type { ForgeAnswers, InitFacts, InitOptions, ServerForge } from '../operate/init.ts'
import type { InitAnswers } from '../operate/init-write.ts'
import type { StarterRepo } from '../spec/starter.ts'
import { counted, sanitize } from '../core/text.ts'
import { searchedKinds, shortPath } from '../operate/init-find.ts'
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

const confirm = (message: string, initialValue = true) => answerTo(clack.confirm({ message: sanitize(message), initialValue }))

/** Asks for a text. `fault` returns the fault of a text, or null. */
function askText(message: string, initialValue: string, fault: (text: string) => string | null): Promise<string> {
  const validate = (text: string | undefined) => fault((text ?? '').trim()) ?? undefined
  return answerTo(clack.text({ message, initialValue: sanitize(initialValue), validate })).then((text) => text.trim())
}

/** Asks for each value that no option gives, and returns the answers; null if the person cancels. */
export async function askAll(given: InitOptions, facts: InitFacts, io: Pick<Io, 'width'>): Promise<InitAnswers | null> {
  try {
    clack.intro('burn init')
    clack.log.info(lines(foundText(facts), io))
    const replace = facts.old !== null
    if (replace && !(await confirm(`Replace ${facts.spec_file}?`, false))) throw new Cancelled()
    const forge = await askForge(given, facts, io)
    const agent = await askAgent(given, facts)
    const panes = given.panes ?? Number(await askText('How many panes with an agent?', String(defaultPanes), countFault))
    const name = given.name ?? (await askText('Name of the fleet', fleetNameOf(facts.spec_file), (text) => starterFault('name', text)))
    if (!(await confirm(`Write ${facts.spec_file}?`))) throw new Cancelled()
    clack.outro('Done')
    return { name, agent, panes, replace, ...forge }
  } catch (thrown) {
    if (!(thrown instanceof Cancelled)) throw thrown
    clack.cancel('Cancelled')
    return null
  }
}

/** Returns a text as lines that fit the terminal, beside the line that clack draws. */
const lines = (text: string, { width }: Pick<Io, 'width'>) =>
  text
    .split('\n')
    .flatMap((line) => wrap(sanitize(line), width - 3))
    .join('\n')

function foundText({ forge, programs }: InitFacts): string {
  const agents = programs.agents.map(({ kind }) => kind).join(', ')
  return [
    forge === null ? 'Found no git remote of a Gitea or Forgejo' : `Found ${counted(forge.checkouts.length, 'repo')} at ${forge.host}`,
    agents === '' ? 'Found no agent program' : `Found the agent programs: ${agents}`,
    ...(programs.tmux ? [] : ['tmux is not installed']),
  ].join('\n')
}

const countFault = (text: string) => (/^[1-9]\d{0,2}$/.test(text) && Number(text) <= 500 ? null : 'must be a number from 1 to 500')

async function askForge(given: InitOptions, facts: InitFacts, io: Pick<Io, 'width'>): Promise<ForgeAnswers> {
  const isServer = given.url !== undefined || given.owner !== undefined || given.repo.length > 0
  const kind = given.folder
    ? 'folder'
    : isServer
      ? 'gitea'
      : await answerTo(
          clack.select({
            message: 'Where are the issues?',
            initialValue: facts.forge === null ? 'folder' : 'gitea',
            options: [
              { value: 'gitea', label: 'Gitea or Forgejo', hint: sanitize(facts.forge?.url ?? 'a server') },
              { value: 'folder', label: 'A new folder of files', hint: 'with an example' },
            ],
          }),
        )
  return kind === 'folder' ? folderAnswers(facts) : askServer(given, facts, io)
}

async function askServer(given: InitOptions, facts: InitFacts, io: Pick<Io, 'width'>): Promise<ForgeAnswers> {
  const url = given.url ?? (await askText('Address of the forge', facts.forge?.url ?? 'https://', (text) => starterFault('url', text)))
  const fault = await facts.forgeFault(url)
  if (fault !== null) clack.log.warn(lines(fault, io))
  const owner = given.owner ?? (await askText('Owner of the repos', facts.forge?.owner ?? '', (text) => starterFault('owner', text)))
  const repos = await askRepos(given, starterRepos(facts.forge?.checkouts ?? [], owner))
  return { repos, ...(await askToken({ kind: 'gitea', url, owner }, facts)) }
}

async function askRepos(given: InitOptions, known: readonly StarterRepo[]): Promise<readonly StarterRepo[]> {
  if (given.repo.length > 0) return reposNamed(given.repo, known)
  if (known.length === 0) {
    const words = (text: string) => text.split(/[\s,]+/).filter((word) => word !== '')
    const fault = (text: string) =>
      words(text).length === 0
        ? 'must name a repo'
        : (words(text)
            .map((word) => starterFault('repo', word))
            .find((each) => each !== null) ?? null)
    return reposNamed(words(await askText('Repos, with spaces between them', '', fault)), [])
  }
  const options = known.map(({ name, check }) => ({ value: name, label: name, ...(check === null ? {} : { hint: check }) }))
  const names = await answerTo(clack.multiselect({ message: 'Repos', options, initialValues: known.map(({ name }) => name) }))
  return reposNamed(names, known)
}

const tokenFault = (text: string | undefined) => (/^[\x21-\x7e]*$/.test((text ?? '').trim()) ? undefined : 'must be one word')

/** Asks whether burn may write a token to its own file. */
async function askToken(forge: Omit<ServerForge, 'token'>, facts: InitFacts): Promise<Pick<ForgeAnswers, 'forge' | 'token' | 'remarks'>> {
  let found = await facts.tokenFor(forge.url)
  if (
    found !== null &&
    found.copies !== null &&
    !(await confirm(`Copy the token of ${found.name} to ${shortPath(facts.token_file, facts.home)}?`))
  )
    found = null
  if (found === null) {
    const typed = await answerTo(clack.password({ message: 'API token of the forge (empty: later)', validate: tokenFault }))
    const token = (typed ?? '').trim()
    if (token !== '') found = { source: null, name: null, copies: token }
  }
  const { source, file, remark } = tokenAnswer(found, facts)
  return { forge: { ...forge, token: source }, token: file, remarks: remark === null ? [] : [remark] }
}

async function askAgent(given: InitOptions, { programs }: InitFacts): Promise<FoundAgent> {
  const of = (kind: FoundAgent['kind']) => programs.agents.find((each) => each.kind === kind) ?? { kind, command: null }
  if (given.agent !== undefined) return of(given.agent)
  const isFound = (kind: FoundAgent['kind']) => programs.agents.some((each) => each.kind === kind)
  const options = searchedKinds
    .toSorted((a, b) => Number(isFound(b)) - Number(isFound(a)))
    .map((kind) => ({ value: kind, label: kind, ...(isFound(kind) ? {} : { hint: 'not installed' }) }))
  return of(await answerTo(clack.select({ message: 'Agent program in the panes', options })))
}
