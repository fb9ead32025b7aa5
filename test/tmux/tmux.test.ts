/** Runs the conformance tests of the `Tmux` port on both implementations. */
import { OneShotTmux } from '../../src/tmux/one-shot.ts'
import { raised, tmuxConformance } from './conformance.ts'

tmuxConformance('control mode', (t) => raised(t))
tmuxConformance('one-shot', async (t) => {
  const { machine, tmux } = await raised(t)
  const oneShot = new OneShotTmux(machine)
  oneShot.session = tmux.session
  return { machine, tmux: oneShot }
})
