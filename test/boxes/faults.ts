/** The faults of the box in `npm run test:boxes`, and what burn must say and keep in each of them. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { BoxFleet } from './fleet.ts'
import { judgeCommand, statesOf } from './judge.ts'

/** Commands that read or change the fleet. None of them may hang, or end an agent that it cannot see. */
const commands = [['status'], ['doctor'], ['up'], ['christen'], ['worker', 'list'], ['restart', 'all', '--timeout', '5s']]
/** Exit codes for a fleet that is reached in part, or not at all. */
const partly = [1, 3]
/** `burn worker list` shows what burn knows, and says for each worker that its machine is unreachable. */
const listed = [0]

/** The faults, in the order in which the script makes them. */
export class Faults {
  readonly #fleet: BoxFleet
  readonly #panes: number
  /** The dispatches that a worker no longer has, and that the script has reported. */
  readonly #gone = new Set<string>()

  constructor(fleet: BoxFleet, panes: number) {
    this.#fleet = fleet
    this.#panes = panes
  }

  /** Raises panes and agents in the box. Returns the violations. */
  async raise(): Promise<string[]> {
    const up = await this.#fleet.burn(['up'])
    const christen = await this.#fleet.burn(['christen'])
    const agents = this.#fleet.agents()
    const panes = this.#fleet.inBox('tmux -L burn list-panes -a -F "#{@burn_worker}" | sort -u | wc -l').trim()
    console.log(`  ${panes} panes, ${agents} agents; up ${up.seconds.toFixed(1)} s, christen ${christen.seconds.toFixed(1)} s`)
    return [
      ...[up, christen].flatMap(({ code, out }) => (code === 0 ? [] : [`exit code ${code}: ${out.slice(-600)}`])),
      ...(Number(panes) === this.#panes && agents === this.#panes ? [] : [`${panes} panes and ${agents} agents`]),
    ]
  }

  /** Kills the box while agents work. burn must say so, and keep each dispatch; then `up` and `christen` bring the agents back. */
  async kill(): Promise<string[]> {
    await this.#untilAtWork(4)
    this.#fleet.engine.must('kill', 'allegro')
    const dead = await this.#unreachable(/the container is stopped/, [['status'], ['up'], ['christen']])
    this.#fleet.engine.must('start', 'allegro')
    return [...dead, ...(await this.#atWorkAgain())]
  }

  /** Pauses the box while agents work. */
  async pause(): Promise<string[]> {
    await this.#untilAtWork(2)
    const before = this.#fleet.agents()
    this.#fleet.engine.must('pause', 'allegro')
    const found = await this.#unreachable(/the container is stopped or paused|no output for 20 s/, commands)
    this.#fleet.engine.must('unpause', 'allegro')
    return [...found, ...(await this.#sameAgents(before))]
  }

  /** Makes the box unhealthy in two ways: the tmux server hangs, and the volume is not writable. */
  async hang(): Promise<string[]> {
    const { engine } = this.#fleet
    await this.#untilAtWork(2)
    const before = this.#fleet.agents()
    this.#fleet.inBox('kill -STOP "$(pgrep -o tmux)"')
    const hung = engine.podman('healthcheck', 'run', 'allegro')
    const found = await this.#unreachable(/no output for 20 s|did not answer/, [['status'], ['up'], ['christen']])
    this.#fleet.inBox('kill -CONT "$(pgrep -o tmux)"')
    this.#fleet.inBox('chmod 500 ~')
    const readOnly = engine.podman('healthcheck', 'run', 'allegro')
    const status = await this.#fleet.burn(['status'])
    this.#fleet.inBox('chmod 700 ~')
    const healed = engine.podman('healthcheck', 'run', 'allegro')
    const codes = [hung.code, readOnly.code, healed.code].join()
    return [
      ...found,
      ...(codes === '1,1,0' ? [] : [engine.podman('logs', '--tail', '20', 'allegro').out]),
      ...(codes === '1,1,0' ? [] : [`the health checks ended with ${codes}: ${[hung.out, readOnly.out, healed.out].join('; ')}`]),
      ...(status.code === 0 ? [] : [`status in a box with a volume that is not writable: ${status.code} ${status.out}`]),
      ...(await this.#sameAgents(before)),
    ]
  }

  /** Kills the tmux server, which is the main process. The restart policy must start the box again. */
  async endServer(): Promise<string[]> {
    await this.#untilAtWork(2)
    const started = () => this.#fleet.engine.podman('inspect', 'allegro', '--format', '{{.State.StartedAt}} {{.State.Status}}').out
    const before = started()
    this.#fleet.inBox('kill -KILL "$(pgrep -o tmux)"')
    await this.#fleet.until('the policy has started the box again', () => started() !== before && started().endsWith('running'))
    return this.#atWorkAgain()
  }

  /** Lowers the limit of the box, and gives an agent an issue that uses up the memory. The other agents must live on. */
  async eatMemory(number: number): Promise<string[]> {
    const used = Number(this.#fleet.inBox('cat /sys/fs/cgroup/memory.current /sys/fs/cgroup/memory/memory.usage_in_bytes 2>/dev/null'))
    this.#fleet.engine.must('update', '--memory', String(used + 300 * 1024 * 1024), 'allegro')
    this.#fleet.addIssue(number, 'Add a file, and eat memory')
    await this.#fleet.until('the kernel has killed an agent', () => this.#fleet.agents() === this.#panes - 1)
    const status = await this.#fleet.burn(['status'])
    const dead = status.out.split('\n').filter((line) => / dead /.test(line))
    console.log(`  ${dead.map((line) => line.trim()).join('\n  ')}`)
    const christened = await this.#fleet.burn(['christen'])
    return [
      ...(dead.length > 0 ? [] : [`status shows no dead worker: ${status.out}`]),
      ...(christened.code === 0 ? [] : [`christen ended with ${christened.code}: ${christened.out.slice(-600)}`]),
      ...(this.#fleet.agents() === this.#panes ? [] : [`${this.#fleet.agents()} agents run`]),
      ...(await this.#newlyGone()),
    ]
  }

  /** Removes the box. Its volume stays. */
  async remove(): Promise<string[]> {
    this.#fleet.engine.must('rm', '--force', '--time', '0', 'allegro')
    const found = await this.#unreachable(/no container has the name/, [['status'], ['up'], ['doctor']])
    const volume = this.#fleet.engine.must('volume', 'ls', '--quiet')
    return [...found, ...(volume.split('\n').includes('home') ? [] : ['the volume is gone'])]
  }

  async #untilAtWork(least: number): Promise<void> {
    const atWork = async () => (await this.#fleet.dispatches()).filter(({ state }) => state === 'handed').length >= least
    await this.#fleet.until(`${least} agents are at work`, atWork)
  }

  /** Runs commands in a box that does not answer, with a dispatcher beside them. No dispatch may leave its worker. */
  async #unreachable(reason: RegExp, words: readonly (readonly string[])[]): Promise<string[]> {
    await sleep(3_000)
    const before = await statesOf(this.#fleet)
    const found: string[] = []
    const times: string[] = []
    for (const command of words) {
      const ran = await this.#fleet.burn(command)
      times.push(`${command[0]} ${ran.seconds.toFixed(1)} s`)
      found.push(...judgeCommand(command.join(' '), ran, reason, command[0] === 'worker' ? listed : partly))
    }
    console.log(`  ${times.join(', ')}`)
    const after = new Set(await statesOf(this.#fleet))
    // An agent may have opened its change right before, and the folder of the forge is outside of the box.
    const moved = before.filter((line) => !after.has(line) && !after.has(line.replace(/handed$/, 'review')))
    return [...found, ...moved.map((line) => `while the box did not answer, this dispatch changed: ${line}`)]
  }

  async #atWorkAgain(): Promise<string[]> {
    return [...(await this.raise()), ...(await this.#newlyGone())]
  }

  /** Returns the dispatches whose issue an agent got and no longer has. burn may release a claim that no agent ever got. */
  async #newlyGone(): Promise<string[]> {
    const given = (await this.#fleet.dispatches()).filter(({ handed_at }) => handed_at !== null)
    const ended = given.filter(({ id, state }) => !this.#gone.has(id) && /^(?:lost|failed|released)$/.test(state))
    for (const { id } of ended) this.#gone.add(id)
    return ended.map(({ issue, state, worker }) => `${issue} of ${worker} is ${state}`)
  }

  async #sameAgents(before: number): Promise<string[]> {
    const after = this.#fleet.agents()
    await this.#fleet.until('burn reaches the box again', async () => (await this.#fleet.burn(['status'])).code === 0)
    return [...(after === before ? [] : [`${before} agents before, ${after} after`]), ...(await this.#newlyGone())]
  }
}
