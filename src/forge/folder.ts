/**
 * A forge in a folder: the embedded default, and a real one for people without a forge. `issues/<repo>/<n>.md`,
 * `comments/<repo>/<n>/<seq>.md`, `reviews/<repo>/<n>.md`, bare repositories `<repo>.git` beside them; `writers` has a login a line.
 * Any program takes part with plain files (docs/forges.md).
 */
import { access, constants, readdir, readFile, realpath } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import type { Change, Comment, Issue, IssueRef, RepoRef } from '../core/nouns.ts'
import type { Clock, Forge, IssuePage } from '../core/ports.ts'
import type { Document } from './front-matter.ts'
import { BurnError, messageOf } from '../core/errors.ts'
import { idPattern } from '../core/ids.ts'
import { createFile, replaceFile } from './files.ts'
import { listOf, parseDocument, renderDocument, textOf } from './front-matter.ts'

export interface FolderOptions {
  /** Absolute path. */
  readonly root: string
  readonly owner: string
  readonly clock: Clock
}

/** Who the fleet writes as. */
const login = 'burn'
const repoName = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/
const largestFile = 4 * 1024 * 1024

export function openFolder({ root, owner, clock }: FolderOptions): Forge {
  const files = new Folder(root, owner)
  return {
    kind: 'folder',
    issues: (repo) => files.issues(repo, clock.now()),
    issue: (ref) => files.issue(ref),
    writers: (repo) => files.writers(repo),
    comments: (ref) => files.comments(ref),
    comment: (ref, body) => files.addComment(ref, body, clock.now()),
    editComment: (ref, id, body) => files.editComment(ref, id, body),
    changes: (repo) => files.changes(repo),
    whoami: async () => ({ login }),
    rights: (repo) => files.rights(repo),
    access: (repo) => files.access(repo),
    requests: () => 0,
  }
}

class Folder {
  readonly #root: string
  readonly #owner: string

  constructor(root: string, owner: string) {
    this.#root = resolve(root)
    this.#owner = owner
  }

  async issues(repo: RepoRef, now: number): Promise<IssuePage> {
    const folder = await this.#folder('issues', repo)
    const names = await this.#list(folder, `issues of ${repo}`)
    const issues: Issue[] = []
    const skipped: { what: string; why: string }[] = []
    for (const name of names.filter((each) => each.endsWith('.md')).toSorted(byNumber)) {
      try {
        const issue = await this.#readIssue(repo, Number.parseInt(name, 10), join(folder, name), name)
        if (issue.state === 'open') issues.push(issue)
      } catch (thrown) {
        skipped.push({ what: join('issues', nameOf(repo), name), why: messageOf(thrown) })
      }
    }
    return { issues, skipped, cursor: String(now), complete: true }
  }

  async issue(ref: IssueRef): Promise<Issue | null> {
    const { repo, number } = this.#split(ref)
    const path = join(await this.#folder('issues', repo), `${number}.md`)
    try {
      return await this.#readIssue(repo, number, path, `${number}.md`)
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw thrown
    }
  }

  async #readIssue(repo: RepoRef, number: number, path: string, name: string): Promise<Issue> {
    if (name !== `${number}.md` || number < 1) throw notRead('its name must be <number>.md')
    const document = await read(path)
    const title = textOf(document, 'title')
    const state = textOf(document, 'state') || 'open'
    if (title === '') throw notRead('it has no "title:"')
    if (state !== 'open' && state !== 'closed') throw notRead(`its state is neither open nor closed: ${JSON.stringify(state)}`)
    const created = timeOf(document, 'created')
    return {
      ref: `${repo}#${number}`,
      repo,
      number,
      title,
      body: document.text,
      labels: listOf(document, 'labels'),
      assignees: listOf(document, 'assignees'),
      author: textOf(document, 'author') || 'local',
      state,
      created_at: created,
      updated_at: Math.max(created, timeOf(document, 'updated')),
      comments: (await readdir(this.#path('comments', repo, String(number))).catch(missingIsEmpty)).length,
      url: `file://${path}`,
    }
  }

  /** Whoever may write into the folder may write to its repos; `writers` says who else's issues count. Without it, everybody's do. */
  async writers(repo: RepoRef): Promise<readonly string[]> {
    const path = join(this.#root, 'writers')
    try {
      const lines = (await readFile(path, 'utf8')).split('\n').map((line) => line.replace(/#.*/, '').trim())
      return [...new Set([login, ...lines.filter((line) => line !== '')])]
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable(path, thrown)
    }
    const { issues } = await this.issues(repo, 0)
    return [...new Set([login, ...issues.map(({ author }) => author)])]
  }

  async comments(ref: IssueRef): Promise<readonly Comment[]> {
    const { repo, number } = this.#split(ref)
    const folder = join(await this.#folder('comments', repo), String(number))
    const names = (await readdir(folder).catch(missingIsEmpty)).filter((name) => /^\d+\.md$/.test(name)).toSorted(byNumber)
    return Promise.all(
      names.map(async (name) => {
        const document = await read(join(folder, name))
        return { id: name.slice(0, -3), author: textOf(document, 'author') || 'local', body: document.text, created_at: timeOf(document, 'created') }
      }),
    )
  }

  async addComment(ref: IssueRef, body: string, now: number): Promise<Comment> {
    const { repo, number } = this.#split(ref)
    const folder = join(await this.#folder('comments', repo), String(number))
    const text = renderDocument({ author: login, created: new Date(now).toISOString() }, body)
    const taken = (await readdir(folder).catch(missingIsEmpty)).map((name) => Number.parseInt(name, 10)).filter(Number.isFinite)
    for (let id = Math.max(0, ...taken) + 1; ; id++) {
      if (await createFile(join(folder, `${id}.md`), text)) return { id: String(id), author: login, body, created_at: now }
    }
  }

  async editComment(ref: IssueRef, id: string, body: string): Promise<void> {
    const { repo, number } = this.#split(ref)
    if (!/^\d{1,9}$/.test(id)) throw new BurnError('forge_not_found', `${JSON.stringify(id)} is no comment of ${ref}`, '')
    const path = join(await this.#folder('comments', repo), String(number), `${id}.md`)
    const { fields } = await read(path)
    await replaceFile(path, renderDocument(Object.fromEntries(fields), body))
  }

  async changes(repo: RepoRef): Promise<readonly Change[]> {
    const folder = await this.#folder('reviews', repo)
    const names = (await readdir(folder).catch(missingIsEmpty)).filter((name) => name.endsWith('.md')).toSorted(byNumber)
    const changes = await Promise.all(names.map((name) => readChange(join(folder, name))))
    return changes.filter((change) => change !== null)
  }

  async rights(repo: RepoRef): Promise<{ exists: boolean; write: boolean }> {
    const folder = await this.#folder('issues', repo)
    const can = (path: string, mode: number) => access(path, mode).then(() => true, () => false)
    return { exists: await can(folder, constants.R_OK), write: await can(this.#root, constants.W_OK) }
  }

  access(repo: RepoRef): { clone_url: string; api_url: string; open_change: string } {
    const reviews = this.#path('reviews', repo)
    return {
      clone_url: this.#path(`${nameOf(repo)}.git`),
      api_url: `file://${this.#root}`,
      open_change: `To open it for review, write the file ${reviews}/<issue number>.md with the lines "---", "issue: <issue number>", "branch: <your branch>", "state: open", "title: <one line>", "---", then what you changed and why.`,
    }
  }

  #split(ref: IssueRef): { repo: RepoRef; number: number } {
    const hash = ref.lastIndexOf('#')
    const number = Number(ref.slice(hash + 1))
    if (hash < 0 || !Number.isSafeInteger(number) || number < 1) throw new BurnError('forge_not_found', `${JSON.stringify(ref)} names no issue`, 'write owner/repo#7')
    return { repo: ref.slice(0, hash), number }
  }

  #path(...parts: readonly string[]): string {
    return join(this.#root, ...parts.map((part) => (part.includes('/') ? nameOf(part) : part)))
  }

  /** The repo's folder of one kind, inside the root wherever links lead. */
  async #folder(kind: 'issues' | 'comments' | 'reviews', repo: RepoRef): Promise<string> {
    const name = nameOf(repo)
    if (repo !== `${this.#owner}/${name}` || !repoName.test(name)) throw new BurnError('forge_not_found', `the folder ${this.#root} has no repo ${repo}`, `its repos are ${this.#owner}/<name>`)
    const path = join(this.#root, kind, name)
    const [real, root] = await Promise.all([realpath(path).catch(() => path), realpath(this.#root).catch(() => this.#root)])
    if (real !== path && !`${real}${sep}`.startsWith(`${root}${sep}`)) throw new BurnError('forge_forbidden', `${path} leads out of ${this.#root}`, 'replace the link by a folder')
    return path
  }

  async #list(folder: string, what: string): Promise<string[]> {
    try {
      return await readdir(folder)
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable(folder, thrown)
      throw new BurnError('forge_not_found', `there are no ${what}: ${folder} does not exist`, `make the folder, or correct "forge.path" and the windows' "repos" in the spec`)
    }
  }
}

async function readChange(path: string): Promise<Change | null> {
  const document = await read(path)
  const id = textOf(document, 'branch').replace(/^burn\//, '')
  const state = textOf(document, 'state') || 'open'
  if (!idPattern.test(id) || (state !== 'open' && state !== 'merged' && state !== 'closed')) return null
  return { dispatch_id: id, url: `file://${path}`, state, author: textOf(document, 'author') || 'local' }
}

async function read(path: string): Promise<Document> {
  const content = await readFile(path, 'utf8')
  if (content.length > largestFile) throw notRead(`it has more than ${largestFile} characters`)
  const document = parseDocument(content)
  if (document === null) throw notRead('line 1: it must begin with front matter between two "---" lines')
  return document
}

function timeOf(document: Document, key: string): number {
  const time = Date.parse(textOf(document, key))
  return Number.isNaN(time) ? 0 : time
}

const nameOf = (repo: RepoRef) => repo.slice(repo.lastIndexOf('/') + 1)
const byNumber = (a: string, b: string) => Number.parseInt(a, 10) - Number.parseInt(b, 10)
const notRead = (why: string) => new BurnError('forge_malformed', why, 'correct the file (docs/forges.md says what it holds)')
const unreadable = (path: string, thrown: unknown) => new BurnError('forge_unavailable', `${path} can't be read: ${messageOf(thrown)}`, 'check the folder and its rights')

function missingIsEmpty(thrown: unknown): string[] {
  if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return []
  throw thrown
}
