/** The fast clock of `npm run loop`. burn waits a minute until it regards the turn of an agent as ended. */

/** The number of seconds of the fast clock in one second. */
export const speed = 8

/** Returns the time (ms) of the clock that was right at `began` (ms). */
export function fastTime(began: number): number {
  return began + (Date.now() - began) * speed
}
