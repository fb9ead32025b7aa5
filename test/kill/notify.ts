/**
 * `npm run killed:notify [-- --sqlite]`: kills the sender of notifications with SIGKILL at each boundary, and while a
 * receiver has a message but has not answered. With `--sqlite` it does not start PostgreSQL. A web server and a mail server on loopback count what they got by the id of the message.
 * Each event must arrive at each receiver, in messages with one id and the same content. Runs on SQLite, and on PostgreSQL if there is one.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { NewEvent } from '../../src/core/events.ts'
import type { Ledger } from '../../src/core/ledger.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { startMailServer, startReceiver } from '../notify/receivers.ts'
import { startPostgres } from '../support/postgres.ts'

const program = resolve(import.meta.dirname, 'notify-killable.ts')
/** The number of kills while a receiver has a message and has not answered. */
const unanswered = 10
/** The answers of a receiver that make the sender wait, in turn. */
const silences = ['hang', 'half'] as const

/** A message as a receiver got it. */
interface Got {
  readonly id: string
  readonly content: string
}

/** The receivers, and the messages that they got. */
async function startReceivers(cleanups: (() => unknown)[]) {
  const t = { after: (end: unknown) => void cleanups.push(end as () => unknown) }
  const web = await startReceiver(t)
  const mail = await startMailServer(t)
  return {
    web,
    mail,
    got: (): Readonly<Record<string, readonly Got[]>> => ({
      web: web.received.map(({ headers, body }) => ({ id: String(headers['webhook-id']), content: body })),
      mail: mail.received.map(({ data }) => {
        const content = data.slice(data.indexOf('\r\n\r\n'))
        return { id: /^Message-ID: <([^@]+)@/im.exec(data)?.[1] ?? '', content }
      }),
    }),
  }
}

/** Runs a sender. Returns the number of boundaries that it reached; null if it was killed. */
function send(dir: string, boundary: number, killWhen?: () => boolean): Promise<number | null> {
  return new Promise((done, fail) => {
    const argv = [program, join(dir, 'spec.json'), join(dir, 'home'), String(boundary)]
    const child = execFile(process.execPath, argv, { env: process.env }, (error, out, err) => {
      clearInterval(timer)
      if (child.signalCode === 'SIGKILL') done(null)
      else if (error !== null) fail(new Error(err))
      else done(Number(out.trim()))
    })
    const timer = setInterval(() => killWhen?.() === true && child.kill('SIGKILL'), 5)
  })
}

/** Records two events. Returns the names of their workers. */
async function record(ledger: Ledger, round: string): Promise<string[]> {
  const names = ['A', 'B'].map((end) => `m/W/${round}${end}`)
  const payload = { since: Date.now(), detail: null, evidence: 'x' }
  const events = names.map((name) => ({ kind: 'worker.dead', subject: name, issue: null, worker: name, actor: 'burn', payload }))
  // A worker that is dead has this payload.
  await ledger.recordEvents(events as NewEvent[], Date.now())
  return names
}

/** Returns the violations in what the receivers got about these workers. */
function judge(got: Readonly<Record<string, readonly Got[]>>, names: readonly string[], round: string): string[] {
  return Object.entries(got).flatMap(([receiver, all]) => {
    const about = names.map((name) => all.filter(({ content }) => content.includes(`${name}:`) || content.includes(`${name} `)))
    const lost = names.filter((_, index) => about[index]!.length === 0).map((name) => `${round}: ${receiver} did not get ${name}`)
    const ids = new Set(about.flat().map(({ id }) => id))
    const contents = new Set(about.flat().map(({ content }) => content))
    const repeated = ids.size > 1 || contents.size > 1 ? [`${round}: ${receiver} got ${ids.size} ids and ${contents.size} contents`] : []
    return [...lost, ...(ids.has('') ? [`${round}: ${receiver} got a message without an id`] : []), ...repeated]
  })
}

async function killOn(engine: string, ledgerUrl: (dir: string) => string): Promise<string[]> {
  const cleanups: (() => unknown)[] = []
  const dir = mkdtempSync(join(tmpdir(), 'burn-notify-'))
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }))
  try {
    const { web, mail, got } = await startReceivers(cleanups)
    mkdirSync(join(dir, 'home'))
    const notify = {
      channels: {
        web: { kind: 'webhook', url: web.url },
        mail: { kind: 'email', server: `smtp://127.0.0.1:${mail.port}`, from: 'burn@example.org', to: ['ann@example.org'] },
      },
      rules: [{ kinds: ['worker.dead'], channels: ['web', 'mail'], debounce: '0s' }],
    }
    const machines = { m: { windows: [{ name: 'W', names: ['ANN'], repos: ['app'] }] } }
    const spec = { name: 'f', ledger: ledgerUrl(dir), forge: { kind: 'folder', path: dir, owner: 'me' }, machines, notify }
    writeFileSync(join(dir, 'spec.json'), JSON.stringify(spec))
    const ledger = await openLedger(ledgerUrl(dir), { random: Math.random })
    cleanups.push(() => ledger.close())
    await send(dir, 0)
    const violations: string[] = []
    let [rounds, kills, messages] = [0, 0, 0]
    const round = async (name: string, kill: () => Promise<number | null>) => {
      ;[web.received.length, mail.received.length, web.answer, mail.replies] = [0, 0, 200, {}]
      const names = await record(ledger, name)
      const met = await kill()
      if (met === null) kills++
      ;[web.answer, mail.replies] = [200, {}]
      await send(dir, 0)
      messages += web.received.length + mail.received.length
      violations.push(...judge(got(), names, name))
      if (++rounds % 10 === 0) console.log(`${engine}: ${rounds} rounds, ${kills} kills, ${violations.length} violations`)
      return met
    }
    for (let boundary = 1; ; boundary++) if ((await round(`b${boundary}-`, () => send(dir, boundary))) !== null) break
    for (let count = 0; count < unanswered; count++)
      await round(`u${count}-`, () => {
        web.answer = silences[count % silences.length]!
        mail.replies = { END: 'hang' }
        return send(dir, 0, () => web.received.length > 0 && mail.received.length > 0)
      })
    console.log(`${engine}: ${kills} kills, ${messages} messages to two receivers, ${violations.length} violations`)
    return violations
  } finally {
    for (const end of cleanups.toReversed()) await end()
  }
}

const server = process.argv.includes('--sqlite') ? null : await startPostgres()
try {
  const url = await server?.fresh()
  const violations = [
    ...(await killOn('SQLite', (dir) => `sqlite:${dir}/l.db`)),
    ...(url === undefined ? [] : await killOn('PostgreSQL', () => url)),
  ]
  for (const violation of violations) console.log(`VIOLATION ${violation}`)
  process.exitCode = violations.length === 0 ? 0 : 1
} finally {
  await server?.stop()
}
