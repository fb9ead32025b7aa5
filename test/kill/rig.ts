/** A fleet whose dispatchers are killed, and what must hold of it afterwards. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { TestContext } from 'node:test'
import type { Ledger } from '../../src/core/ledger.ts'
import type { GiteaStandIn } from '../stand-ins/gitea/server.ts'
import { markerOf } from '../../src/core/marker.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'
import { standIn, testFleet, until, type Fleet } from '../support/fleet.ts'
import { because, said } from '../support/reasons.ts'

const repo = 'timmy/app'
const program = resolve(import.meta.dirname, 'killable.ts')
const closing = resolve(import.meta.dirname, '../stand-ins/agent/closing.mjs')
/** Longer than a lease lasts, milliseconds. */
const step = 40_000

export class Rig {
  /** How far clocks go ahead by now, milliseconds. */
  ahead = 0
  readonly forge: GiteaStandIn
  readonly fleet: Fleet
  readonly ledger: Ledger
  #numbers: number[] = []

  constructor(forge: GiteaStandIn, fleet: Fleet, ledger: Ledger) {
    this.forge = forge
    this.fleet = fleet
    this.ledger = ledger
  }

  /** Returns how many boundaries it met; null where it was killed. */
  dispatch(boundary: number, cycles: number): Promise<number | null> {
    const { dir } = this.fleet
    const words = [program, join(dir, 'fleet-spec.json'), join(dir, 'home'), String(boundary), String(this.ahead), String(cycles)]
    return new Promise((done, fail) => {
      const child = execFile(process.execPath, words, { env: process.env }, (error, out, err) => {
        if (child.signalCode === 'SIGKILL') done(null)
        else if (error !== null) fail(new Error(err))
        else done(Number(out.trim()))
      })
    })
  }

  /** Two new issues, one dispatcher that is killed and others beside it; then the world is put right, and nothing may be wrong with it. */
  async round(boundary: number, beside: number): Promise<number | null> {
    this.ahead += step
    this.#numbers = [1, 2].map(() => this.forge.state.addIssue(repo, { title: `work ${boundary}`, author: 'ann' }).number)
    const others = Array.from({ length: beside }, () => this.dispatch(0, 2))
    const met = await this.dispatch(boundary, 2)
    await Promise.all(others)
    await this.#recover()
    await this.#check()
    return met
  }

  /** So many dispatchers, each killed at a boundary by chance with two new issues before it, and nothing put right between them; then it is. Returns the kills. */
  async kills(boundaries: readonly number[]): Promise<number> {
    this.#numbers = []
    let killed = 0
    for (const boundary of boundaries) {
      this.ahead += step
      this.#numbers.push(...[1, 2].map(() => this.forge.state.addIssue(repo, { title: `work ${boundary}`, author: 'ann' }).number))
      if ((await this.dispatch(boundary, 2)) === null) killed += 1
    }
    await this.#recover()
    await this.#check()
    return killed
  }

  async #recover(): Promise<void> {
    const open = () => this.#numbers.filter((number) => this.forge.state.issue(repo, number).state === 'open')
    // After many kills the breaker may rest its kind for ten minutes: texts that could not be proven look like a screen that is not known any more.
    for (let tries = 0; tries < 80 && open().length > 0; tries++) {
      this.ahead += step
      await this.dispatch(0, 2)
      for (const number of open()) await this.#asOperator(number)
    }
    assert.deepEqual(open(), [], 'every issue is done in the end')
    this.ahead += step
    await this.dispatch(0, 2)
  }

  /** What is unknown is looked at by a person, who gives the issue back; nothing else may hold one up. */
  async #asOperator(number: number): Promise<void> {
    const [last] = await this.ledger.dispatches({ issue: `${repo}#${number}`, limit: 1 })
    if (last === undefined || last.state !== 'handed') return
    const [delivery] = await this.ledger.deliveries({ ids: [last.id] })
    if (delivery?.state !== 'unknown') return
    const got = this.fleet.received().filter(({ text }) => text.includes(last.id)).length
    if (got > 0) return until('its agent closes it', () => this.forge.state.issue(repo, number).state === 'closed')
    await this.ledger.moveDispatches(
      [{ id: last.id, from: ['handed'], to: 'released', reason: because('it never arrived') }],
      Date.now() + this.ahead,
    )
  }

  async #check(): Promise<void> {
    await this.ledger.check()
    const received = this.fleet.received().flatMap(({ text }) => /\[burn ([0-9a-z]{13})\]/.exec(text)?.[1] ?? [])
    for (const number of this.#numbers) {
      const issue = `${repo}#${number}`
      const dispatches = await this.ledger.dispatches({ issue })
      assert.ok(dispatches.length > 0, `${issue} was dispatched`)
      const deliveries = await this.ledger.deliveries({ ids: dispatches.map(({ id }) => id) })
      for (const { id, state, evidence } of deliveries) {
        const got = received.filter((each) => each === id).length
        assert.ok(got <= 1, `${id} was received ${got} times`)
        if (state === 'seen' || state === 'submitted') assert.equal(got, 1, `${id} is ${state}: ${said(evidence)}`)
        if (state === 'refused') assert.equal(got, 0, `${id} is refused: ${said(evidence)}`)
        assert.ok(!['planned', 'placing', 'placed'].includes(state), `${id} of a closed issue is ${state}`)
      }
      const told = deliveries.filter(({ id }) => received.includes(id))
      assert.equal(told.length, 1, `${issue} was given to ${told.length} agents`)
      const marks = this.forge.state.issue(repo, number).comments.flatMap(({ body }) => markerOf(body)?.dispatch ?? [])
      assert.equal(new Set(marks).size, marks.length, `${issue} has one comment a dispatch: ${marks.join(' ')}`)
    }
  }
}

export async function openRig(t: Pick<TestContext, 'after'>, ledger: (dir: string) => string): Promise<Rig> {
  const forge = await startGitea({ repos: [{ name: repo, writers: ['burn', 'ann'] }], check: false })
  t.after(() => forge.close())
  let url = ''
  const fleet = testFleet(t, (dir, socket) => {
    writeFileSync(join(dir, 'token'), forge.token, { mode: 0o600 })
    url = ledger(dir)
    const agent = standIn(dir, '--turn', closing, '--busy-mode', 'queue')
    return {
      name: 'f',
      session: 'F',
      socket,
      dir: join(dir, 'w'),
      ledger: url,
      forge: { kind: 'gitea', url: forge.url, owner: 'timmy', token: { file: join(dir, 'token') } },
      agent: { ...agent, hooks: false, busy_input_mode: 'queue', env: { STANDIN_TOKEN: forge.token } },
      machines: { box: { windows: [{ name: 'W', panes: 2, repos: ['app'] }] } },
    }
  })
  for (const words of [['up'], ['christen']]) {
    const { code, err } = await fleet.burn(...words)
    assert.equal(code, 0, err)
  }
  const opened = await openLedger(url, { random: Math.random })
  t.after(() => opened.close())
  return new Rig(forge, fleet, opened)
}
