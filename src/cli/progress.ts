/** What long work says while it runs: on a terminal one line that is drawn over, elsewhere a line a minute to standard error. */
import type { Io } from './io.ts'

/** Milliseconds between two lines where no terminal is. */
const everyMinute = 60_000

export interface Progress {
  readonly say: (text: string) => void
  /** Leaves the terminal as it was. */
  readonly end: () => void
}

/** `json`: standard output is for a program to read. `now`: milliseconds of a clock that only goes ahead. */
export function progressOn(
  io: Pick<Io, 'tty' | 'write' | 'err' | 'size'>,
  json: boolean,
  now: () => number = () => performance.now(),
): Progress {
  if (io.tty && !json)
    return { say: (text) => io.write(`\r\u001b[K${text.slice(0, io.size().width - 1)}`), end: () => io.write('\r\u001b[K') }
  let said = now()
  return {
    say: (text) => {
      if (now() - said < everyMinute) return
      said = now()
      io.err(text)
    },
    end: () => {},
  }
}
