/** A turn that is never done with an issue, and at once with everything else. */
export async function turn(prompt, { print, sleep, signal }) {
  while (prompt.includes('You have one issue to work on: ') && !signal.aborted) await sleep(1000)
  print('Understood.')
}
