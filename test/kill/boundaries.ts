/** The boundaries at which a dispatcher is killed: before (odd) and after (even) each write to the ledger, and each effect. */
import type { TmuxCommand } from '../../src/core/ports.ts'
import type { Session } from '../../src/observe/session.ts'

/** Kills this process with SIGKILL at its nth boundary; 0 never comes. Returns a function that tells how many boundaries were reached. */
export async function killAt(boundary: number, session: Session): Promise<() => number> {
  let met = 0
  const reach = () => {
    if (++met === boundary) process.kill(process.pid, 'SIGKILL')
  }
  addBoundaries(reach, session.ledger, [
    'saveIssues',
    'saveWriters',
    'saveChangeCursors',
    'saveVerdicts',
    'saveWaitReasons',
    'rejudgeIfRulesChanged',
    'saveReadings',
    'claim',
    'moveDispatches',
    'saveComments',
    'moveDeliveries',
    'takeOverDeliveries',
    'releaseLeases',
    'saveChanges',
    'saveStages',
    'beginStep',
    'endStep',
  ])
  addBoundaries(reach, session.forge, ['comment', 'editComment', 'merge', 'updateBranch', 'rerun', 'addLabel'])
  for (const host of await session.machines.open(session.fleet.machines)) {
    const { tmux } = host
    addBoundaries(reach, host, ['write'])
    if (tmux === null) throw new Error('the machine has no tmux server')
    addBoundaries(reach, tmux, ['run'], ([lines]) =>
      (lines as readonly (readonly TmuxCommand[])[]).some((line) => /paste-buffer|send-keys/.test(String(line))),
    )
  }
  return () => met
}

/** Puts a boundary before and after each call of these methods. `counts` excludes calls that change nothing. */
export function addBoundaries(
  reach: () => void,
  object: object,
  names: readonly string[],
  counts: (args: readonly unknown[]) => boolean = () => true,
): void {
  const methods = object as Record<string, (...args: unknown[]) => Promise<unknown>>
  for (const name of names) {
    const method = methods[name]?.bind(object)
    if (method === undefined) throw new Error(`there is no ${name}`)
    methods[name] = async (...args) => {
      if (!counts(args)) return method(...args)
      reach()
      const result = await method(...args)
      reach()
      return result
    }
  }
}
