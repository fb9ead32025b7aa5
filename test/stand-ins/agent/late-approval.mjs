/** A turn that asks for an approval in its middle, when the test says so (rig.ts, `go`). */
import { turn as held } from './held-turn.mjs'

export async function turn(prompt, context) {
  await held(prompt, context)
  context.log('approved', { answer: await context.approve() })
}
