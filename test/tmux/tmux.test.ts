import { OneShotTmux } from '../../src/tmux/one-shot.ts'
import { raised, tmuxConformance } from './conformance.ts'

tmuxConformance('control', (t) => raised(t))
tmuxConformance('chained', async (t) => {
  const { machine, tmux } = await raised(t)
  const chained = new OneShotTmux(machine)
  chained.session = tmux.session
  return { machine, tmux: chained }
})
