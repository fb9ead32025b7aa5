/** A turn that never finishes an issue, and finishes everything else at once. */
export async function turn(prompt, { print, sleep, signal }) {
  while (prompt.includes('You have one issue to work on: ') && !signal.aborted) await sleep(1000)
  print('Understood.')
}
