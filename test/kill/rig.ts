/** A fleet whose dispatchers are killed, and the checks of its state afterwards. */
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
import { sourceOptions } from '../support/sources.ts'
import { because, said } from '../support/reasons.ts'
import { runDispatcher } from './dispatcher.ts'

const repo = 'timmy/app'
const program = resolve(import.meta.dirname, 'killable.ts')
const closingAgent = resolve(import.meta.dirname, '../stand-ins/agent/closing.mjs')
/** Longer than a lease (ms). */
const clockStep = 40_000

/** A fleet with a stand-in forge, stand-in agents and a ledger. */
export class Rig {
  /** The time by which the dispatchers' clocks are fast (ms). */
  ahead = 0
  /** The number of prompts that no agent got and that burn did not type again, so that the operator released their issues. */
  released = 0
  readonly forge: GiteaStandIn
  readonly fleet: Fleet
  readonly ledger: Ledger
  #issueNumbers: number[] = []

  constructor(forge: GiteaStandIn, fleet: Fleet, ledger: Ledger) {
    this.forge = forge
    this.fleet = fleet
    this.ledger = ledger
  }

  /** Runs a dispatcher of two cycles that nothing kills, in this process. Returns the number of boundaries that it reached. */
  dispatchHere(): Promise<number> {
    const { dir } = this.fleet
    return runDispatcher({ spec: join(dir, 'fleet-spec.json'), home: join(dir, 'home'), boundary: 0, ahead: this.ahead, cycles: 2 })
  }

  /** Runs a dispatcher in its own process. Returns the number of boundaries that it reached; null if it was killed. */
  dispatch(boundary: number): Promise<number | null> {
    const { dir } = this.fleet
    const argv = [...sourceOptions, program, join(dir, 'fleet-spec.json'), join(dir, 'home'), String(boundary), String(this.ahead), '2']
    return new Promise((done, fail) => {
      const child = execFile(process.execPath, argv, { env: process.env }, (error, out, err) => {
        if (child.signalCode === 'SIGKILL') done(null)
        else if (error !== null) fail(new Error(err))
        else done(Number(out.trim()))
      })
    })
  }

  /** Adds two issues, runs one dispatcher that is killed and others beside it, recovers, and checks everything. */
  async round(boundary: number, beside: number): Promise<number | null> {
    this.ahead += clockStep
    this.#issueNumbers = [1, 2].map(() => this.forge.state.addIssue(repo, { title: `work ${boundary}`, author: 'ann' }).number)
    const others = Array.from({ length: beside }, () => this.dispatch(0))
    const met = await (boundary === 0 ? this.dispatchHere() : this.dispatch(boundary))
    await Promise.all(others)
    await this.#recover()
    await this.#check()
    return met
  }

  /** Runs one dispatcher per boundary, each with two new issues, and recovers only at the end. Returns the number of kills. */
  async kills(boundaries: readonly number[]): Promise<number> {
    this.#issueNumbers = []
    let kills = 0
    for (const boundary of boundaries) {
      this.ahead += clockStep
      this.#issueNumbers.push(...[1, 2].map(() => this.forge.state.addIssue(repo, { title: `work ${boundary}`, author: 'ann' }).number))
      if ((await this.dispatch(boundary)) === null) kills += 1
    }
    await this.#recover()
    await this.#check()
    return kills
  }

  async #recover(): Promise<void> {
    const open = () => this.#issueNumbers.filter((number) => this.forge.state.issue(repo, number).state === 'open')
    // After many kills the breaker may stop the agent kind for ten minutes. Unproven texts look like a screen that burn no longer
    // recognises.
    for (let tries = 0; tries < 80 && open().length > 0; tries++) {
      this.ahead += clockStep
      await this.dispatchHere()
      for (const number of open()) await this.#asOperator(number)
    }
    assert.deepEqual(open(), [], 'every issue is closed in the end')
    this.ahead += clockStep
    await this.dispatchHere()
  }

  /** Plays the operator, who releases an issue if its delivery is unknown. Nothing else may block an issue. */
  async #asOperator(number: number): Promise<void> {
    const [lastDispatch] = await this.ledger.dispatches({ issue: `${repo}#${number}`, limit: 1 })
    if (lastDispatch === undefined || lastDispatch.state !== 'handed') return
    const [delivery] = await this.ledger.deliveries({ ids: [lastDispatch.id] })
    if (delivery?.state !== 'unknown') return
    const timesReceived = this.fleet.received().filter(({ text }) => text.includes(lastDispatch.id)).length
    if (timesReceived > 0) return until('its agent closes it', () => this.forge.state.issue(repo, number).state === 'closed')
    this.released += 1
    await this.ledger.moveDispatches(
      [{ id: lastDispatch.id, from: ['handed'], to: 'released', reason: because('it never arrived') }],
      Date.now() + this.ahead,
    )
  }

  async #check(): Promise<void> {
    await this.ledger.check()
    const received = this.fleet.received().flatMap(({ text }) => /\[burn ([0-9a-z]{13})\]/.exec(text)?.[1] ?? [])
    for (const number of this.#issueNumbers) {
      const issue = `${repo}#${number}`
      const dispatches = await this.ledger.dispatches({ issue })
      assert.ok(dispatches.length > 0, `${issue} was dispatched`)
      const deliveries = await this.ledger.deliveries({ ids: dispatches.map(({ id }) => id) })
      for (const { id, state, evidence } of deliveries) {
        const timesReceived = received.filter((each) => each === id).length
        assert.ok(timesReceived <= 1, `${id} was received ${timesReceived} times`)
        if (state === 'seen' || state === 'submitted') assert.equal(timesReceived, 1, `${id} is ${state}: ${said(evidence)}`)
        if (state === 'refused') assert.equal(timesReceived, 0, `${id} is refused: ${said(evidence)}`)
        assert.ok(!['planned', 'placing', 'placed'].includes(state), `${id} of a closed issue is ${state}`)
      }
      const deliveredTo = deliveries.filter(({ id }) => received.includes(id))
      assert.equal(deliveredTo.length, 1, `${issue} was given to ${deliveredTo.length} agents`)
      const markers = this.forge.state.issue(repo, number).comments.flatMap(({ body }) => markerOf(body)?.dispatch ?? [])
      assert.equal(new Set(markers).size, markers.length, `${issue} has one comment per dispatch: ${markers.join(' ')}`)
    }
  }
}

/** Starts the stand-ins, and brings the fleet up. */
export async function openRig(t: Pick<TestContext, 'after'>, ledger: (dir: string) => string): Promise<Rig> {
  const forge = await startGitea({ repos: [{ name: repo, writers: ['burn', 'ann'] }], check: false })
  t.after(() => forge.close())
  let url = ''
  const fleet = testFleet(t, (dir, socket) => {
    writeFileSync(join(dir, 'token'), forge.token, { mode: 0o600 })
    url = ledger(dir)
    const agent = standIn(dir, '--turn', closingAgent, '--busy-mode', 'queue')
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
  for (const argv of [['up'], ['christen']]) {
    const { code, err } = await fleet.burn(...argv)
    assert.equal(code, 0, err)
  }
  const opened = await openLedger(url, { random: Math.random })
  t.after(() => opened.close())
  return new Rig(forge, fleet, opened)
}
