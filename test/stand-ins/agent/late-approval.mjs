/** A turn that asks for approval in its middle. */
export async function turn(_prompt, { sleep, approve, log }) {
  await sleep(800)
  log('approved', { answer: await approve() })
}
