/** Shows the fleet live while `burn start` runs. */
import type { Session } from '../observe/session.ts'
import type { Io } from './io.ts'
import { codedMessageOf } from '../core/errors.ts'
import type { CommandContext } from './command.ts'
import { FleetScreen, fleetSteps } from './fleet-screen.ts'
import { smallest } from './live-screen.ts'

/** The output of a command that may have a screen. Without a screen it is that of the command. */
export interface ScreenOutput extends Pick<CommandContext, 'emit' | 'person'> {
  /** The output of log lines: the screen while it is shown. */
  readonly log: Pick<Io, 'err' | 'paint'>
  /** Shows a screen while `work` runs, if the terminal can show one. The keys that quit the screen interrupt this process, as Ctrl-C does. */
  readonly during: <T>(work: () => Promise<T>) => Promise<T>
}

/** Returns the output of a command. `present`: shows a part of the result on the screen. */
export function openScreenOutput(context: CommandContext, present: (part: unknown, io: Io) => void): ScreenOutput {
  const { io, emit, person, clock, env, stop } = context
  const { width, height } = io.size()
  const draws = person?.draws === true && width >= smallest.width && height >= smallest.height
  let screen: FleetScreen | null = null
  const say = (print: Io['out']) => {
    return (...lines: string[]) => {
      if (screen === null) return print(...lines)
      for (const line of lines) screen.say(`${new Date(clock.now()).toTimeString().slice(0, 8)}  ${line}`)
    }
  }
  const output = { ...io, out: say(io.out), err: say(io.err) }
  if (!draws) return { emit, person, log: io, during: (work) => work() }
  return {
    emit: (part) => present(part, output),
    person: output,
    log: output,
    async during(work) {
      // The screen has its own session, so that it never waits for the work.
      const { session } = await context.open(output)
      const shown = new FleetScreen(
        person,
        clock,
        fleetSteps(session, env, () => person.size().height),
      )
      screen = shown
      const end = new AbortController()
      let isClosing = false
      const close = async () => {
        isClosing = true
        screen = null
        end.abort()
        await shown.close()
      }
      const interrupt = () => void process.kill(process.pid, 'SIGINT')
      shown.quit.addEventListener('abort', () => {
        // The end of the work closes the screen, too. Then nobody has pressed a key.
        if (!isClosing) void close().finally(interrupt)
      })
      const watching = watchOn(shown, session, AbortSignal.any([stop, end.signal])).catch(async (thrown: unknown) => {
        await close()
        io.err(`burn continues without a screen: ${codedMessageOf(thrown)}`)
      })
      try {
        return await work()
      } finally {
        await close()
        await watching
      }
    },
  }
}

/** Shows each status of the fleet on the screen until `until` is aborted. */
async function watchOn(screen: FleetScreen, session: Session, until: AbortSignal): Promise<void> {
  const { watch } = await import('../observe/watch.ts')
  for await (const update of watch(session.fleet.machines, session, until)) screen.show(update)
}
