/** A model test of deliveries: random events happen to one agent in a pane, and the invariants must hold. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Delivery, DeliveryState } from '../../src/core/lifecycle.ts'
import type { ParsedScreen } from '../../src/core/agent.ts'
import type { Observation } from '../../src/decide/observation.ts'
import { deliveryTransitions } from '../../src/core/lifecycle.ts'
import { deliveryLimits, nextStep } from '../../src/decide/delivery-step.ts'

const limitsWith = (submit_delay: number) => deliveryLimits({ limits: { ready: 1000, placed: 10_000, seen: 20_000, submit_delay } }, 'work')
const id = '0k3v9w2x4abcd'
const line = `[burn ${id}]`

/** An agent in a pane: its composer, and the texts that were submitted to it. */
interface Agent {
  readonly pid: number
  alive: boolean
  asking: boolean
  working: boolean
  composer: string
  submitted: string[]
  swallow: boolean
}

/** Returns a new agent process. */
const started = (pid: number): Agent => ({ pid, alive: true, asking: false, working: false, composer: '', submitted: [], swallow: false })

type Happening =
  | 'turn'
  | 'crash before the effect'
  | 'crash after the effect'
  | 'stall before the effect'
  | 'late effect'
  | 'turn beside a late effect'
  | 'death'
  | 'restart'
  | 'draft'
  | 'cleared'
  | 'question'
  | 'answered'
  | 'swallow'
  | 'person enters'
  | 'busy'
  | 'idle'
  | 'lag'
  | 'redraw'
  | 'half drawn'
  | 'unreachable'
  | 'minute'

const happenings: readonly Happening[] = [
  'turn',
  'turn',
  'turn',
  'turn',
  'turn',
  'crash before the effect',
  'crash after the effect',
  'stall before the effect',
  'late effect',
  'turn beside a late effect',
  'death',
  'restart',
  'draft',
  'cleared',
  'question',
  'answered',
  'swallow',
  'person enters',
  'busy',
  'idle',
  'lag',
  'redraw',
  'half drawn',
  'unreachable',
  'minute',
]

const agentTakesBack = (agent: Agent) => void (agent.composer = '')

/** A pane with one delivery. The observation may lag behind the true state. */
class World {
  now = 0
  agent = started(1)
  lagging: Observation | null = null
  places = 0
  last_text = ''
  /** The paste of a process that stalled after it recorded `placing`. */
  late: (() => void) | null = null
  written = false
  entered = false
  row: Delivery = {
    id,
    kind: 'work',
    dispatch: null,
    worker: 'm/W/A',
    state: 'planned',
    text: id,
    typed: null,
    proof: null,
    incarnation: null,
    evidence: { code: 'planned' },
    presses: 0,
    planned_at: 0,
    changed_at: 0,
    lease_owner: 'o',
    lease_token: 1,
    lease_until: 0,
  }
  readonly agents: Agent[] = [this.agent]
  private readonly limits: ReturnType<typeof limitsWith>

  private readonly hooks: boolean

  constructor(submitDelay: number, hooks: boolean) {
    this.limits = limitsWith(submitDelay)
    this.hooks = hooks
  }

  private truth(): Observation {
    const { alive, pid, asking, working, composer, submitted } = this.agent
    const state = !alive ? 'dead' : asking ? 'waiting' : working ? 'working' : 'idle'
    const parsed: ParsedScreen = {
      reading: { state, detail: null, evidence: '' },
      composer: !alive ? 'absent' : composer === '' ? 'empty' : 'draft',
      composer_rows: [0, 0],
      draft: composer,
      interrupts: false,
    }
    const taken = alive && submitted.includes(line)
    const tagged = alive && submitted.some((text) => text.includes(line))
    const seen = {
      parsed,
      in_composer: alive && composer === line,
      tag_in_composer: alive && composer !== line && composer.includes(line),
      outside_since: tagged ? 0 : null,
      whole: tagged,
      hooked: this.hooks,
      hook_report: this.hooks && tagged ? (taken ? ('text' as const) : ('other' as const)) : null,
      done: false,
      idle_since: working || asking ? null : 0,
      leftover: alive && this.row.state === 'unknown' && composer === line,
      line: this.written ? line : this.row.typed,
      unwritten: null,
      last_text: this.last_text,
    }
    return { reachable: true, incarnation: alive ? String(pid) : null, ...seen, attended: null, busy: false, stopped: null }
  }

  private write(to: DeliveryState, more: Partial<Delivery>): void {
    assert.ok(deliveryTransitions[this.row.state].includes(to), `${this.row.state} to ${to}`)
    this.row = { ...this.row, ...more, state: to, changed_at: this.now }
  }

  /** Types the line as tmux does: only to the observed incarnation and after the observed text, checked at the moment of the paste. */
  private place(expected: string | null, after: string): boolean {
    if (!this.agent.alive || String(this.agent.pid) !== expected || this.last_text !== after) return false
    assert.equal(++this.places, 1, 'typed at most once')
    this.last_text = id
    this.agent.composer += line
    return true
  }

  private press(expected: string | null): void {
    if (!this.agent.alive || String(this.agent.pid) !== expected) return
    if (this.agent.swallow) this.agent.swallow = false
    else if (this.agent.composer !== '' && !this.agent.asking) {
      this.agent.submitted.push(this.agent.composer)
      this.agent.composer = ''
    }
  }

  private turn(crash: 'none' | 'before' | 'after' | 'stall' | 'beside'): void {
    const truth = this.truth()
    const { incarnation, last_text } = truth
    // The incarnation and the last text come from tmux, not from the screen, so they never lag.
    const seen = this.lagging === null ? truth : { ...this.lagging, incarnation, last_text }
    const next = nextStep(this.row, seen, this.limits, this.now)
    const isCut = crash === 'before' || crash === 'stall'
    if (next.do === 'write') this.written = !isCut
    else if (next.do === 'place') {
      assert.ok(seen.incarnation !== null && seen.parsed?.composer === 'empty', 'typed only to a live agent with an empty composer')
      assert.ok(['idle', 'working', 'error'].includes(seen.parsed.reading.state))
      const isFirst = this.row.state === 'planned'
      this.write('placing', {
        typed: line,
        evidence: { code: 'line_placing', after: last_text },
        ...(isFirst ? { incarnation } : {}),
      })
      if (crash === 'beside') this.late?.()
      if (crash === 'stall') this.late ??= () => void this.place(incarnation, last_text)
      else if (crash !== 'before' && !this.place(incarnation, last_text) && isFirst) this.write('refused', {})
    } else if (next.do === 'submit') {
      assert.ok(seen.in_composer && seen.incarnation === this.row.incarnation, 'Enter only while the line is in the composer of its agent')
      assert.notEqual(seen.parsed?.reading.state, 'waiting')
      this.write(next.to, { presses: this.row.presses + 1 })
      assert.ok(this.row.presses <= this.limits.presses)
      if (!isCut) this.press(this.row.incarnation)
    } else if (next.do === 'move') this.write(next.to, {})
    else if (next.do === 'abandon' || next.do === 'take_back') {
      assert.equal(seen.parsed?.draft, line, 'burn deletes only its own line')
      assert.notEqual(seen.parsed?.reading.state, 'waiting')
      if (next.do === 'abandon') this.write('unknown', {})
      if (!isCut && this.lagging === null) agentTakesBack(this.agent)
    }
  }

  happen(what: Happening): void {
    this.now += 700
    const { agent } = this
    if (what === 'turn') this.turn('none')
    else if (what === 'crash before the effect') this.turn('before')
    else if (what === 'crash after the effect') this.turn('after')
    else if (what === 'stall before the effect') this.turn('stall')
    else if (what === 'turn beside a late effect') this.turn('beside')
    else if (what === 'late effect') this.late?.()
    else if (what === 'death') Object.assign(agent, { alive: false, composer: '' })
    else if (what === 'restart' && !agent.alive) this.agents.push((this.agent = started(agent.pid + 1)))
    else if (what === 'draft' && agent.alive) agent.composer += 'draft'
    else if (what === 'cleared') agent.composer = ''
    else if (what === 'question') agent.asking = agent.alive
    else if (what === 'answered') agent.asking = false
    else if (what === 'swallow') agent.swallow = true
    else if (what === 'person enters') {
      this.entered = true
      this.press(String(agent.pid))
    } else if (what === 'busy' || what === 'idle') agent.working = what === 'busy'
    else if (what === 'lag') this.lagging ??= this.truth()
    else if (what === 'redraw') this.lagging = null
    // While a frame grows, the old, empty composer can still be below the new one. After Enter nothing that the agent draws moves the composer.
    else if (what === 'half drawn' && agent.composer.includes(id) && this.row.presses === 0) {
      const { parsed, ...seen } = this.truth()
      this.lagging = {
        ...seen,
        parsed: parsed && { ...parsed, composer: 'empty', draft: '' },
        in_composer: false,
        outside_since: this.now,
        whole: true,
      }
      this.turn('none')
      this.lagging = null
    } else if (what === 'unreachable') this.lagging = { ...this.truth(), reachable: false, parsed: null }
    else if (what === 'minute') this.now += 60_000
  }
}

/** Submit delays (ms): none, one that is shorter than a step of the model's clock, and a longer one. */
const submitDelays = fc.constantFrom(0, 500, 2000)

test('deliver: types at most once, submits once, never to a successor', () => {
  fc.assert(
    fc.property(submitDelays, fc.boolean(), fc.array(fc.constantFrom(...happenings), { maxLength: 60 }), (submitDelay, hooks, story) => {
      const world = new World(submitDelay, hooks)
      for (const what of story) world.happen(what)
      const received = world.agents.flatMap((agent) => agent.submitted.filter((text) => text.includes(id)).map(() => String(agent.pid)))
      assert.ok(received.length <= 1, 'received at most once')
      if (received.length === 1) assert.equal(received[0], world.row.incarnation)
      if (world.row.state === 'seen' || world.row.state === 'mangled') assert.equal(received.length, 1, 'seen means that the agent has it')
      if (world.row.state === 'refused' && !world.entered) assert.equal(received.length, 0, 'refused means that the agent never got it')
    }),
    { numRuns: 3000 },
  )
})

test('deliver: ends by itself, and is seen if nothing went wrong', () => {
  fc.assert(
    fc.property(submitDelays, fc.boolean(), fc.array(fc.constantFrom(...happenings), { maxLength: 30 }), (submitDelay, hooks, story) => {
      const world = new World(submitDelay, hooks)
      for (const what of [...story, 'redraw', 'answered', 'idle', 'redraw'] as const) world.happen(what)
      for (let i = 0; i < 60; i++) world.happen(i % 3 === 2 ? 'minute' : 'turn')
      assert.ok(['seen', 'refused', 'unknown', 'mangled'].includes(world.row.state), world.row.state)
      if (world.row.state === 'unknown' && world.agent.alive)
        assert.notEqual(world.agent.composer, line, 'no line of burn stays in a composer')
    }),
    { numRuns: 1000 },
  )
  const world = new World(0, false)
  for (const what of ['turn', 'turn', 'turn', 'turn', 'turn'] as const) world.happen(what)
  assert.equal(world.row.state, 'seen')
  assert.deepEqual(world.agent.submitted, [line])
})
