/** Takes over the terminal of this process: its keys, and its state, which every end of the process restores. */

/** The effects of a terminal on the program that has taken it. */
export interface TerminalUse {
  /** Called with the bytes of pressed keys, as text. */
  readonly onKeys: (text: string) => void
  readonly onResize: () => void
  /** Restores what the program changed on the terminal. Called once: at the release, or before the process ends. */
  readonly restore: () => void
}

/**
 * Takes the terminal of this process: keys arrive one by one and unechoed, also Ctrl-C. Returns a function that releases the terminal. If the
 * process ends before, even by an exception, the terminal is released first. A hang-up counts as SIGTERM, so that the program ends in order.
 */
export function takeTerminal({ onKeys, onResize, restore }: TerminalUse): () => void {
  const { stdin, stdout } = process
  let isTaken = true
  const setRaw = (raw: boolean) => {
    try {
      stdin.setRawMode(raw)
    } catch {
      // The terminal is gone.
    }
  }
  const release = () => {
    if (!isTaken) return
    isTaken = false
    process.off('exit', release).off('SIGHUP', hangUp)
    stdout.off('resize', onResize)
    if (stdin.isTTY) {
      stdin.off('data', onKeys)
      setRaw(false)
      stdin.pause()
    }
    restore()
  }
  const hangUp = () => void process.kill(process.pid, 'SIGTERM')
  // Node prints an uncaught exception after `exit`, so the message is not on the alternate screen.
  process.on('exit', release).on('SIGHUP', hangUp)
  stdout.on('resize', onResize)
  if (stdin.isTTY) {
    setRaw(true)
    stdin.setEncoding('utf8').on('data', onKeys).resume()
  }
  return release
}
