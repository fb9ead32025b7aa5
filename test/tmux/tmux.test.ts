import { ChainedTmux } from '../../src/tmux/chained.ts'
import { raised, tmuxConformance } from './conformance.ts'

tmuxConformance('control', (t) => raised(t))
tmuxConformance('chained', async (t) => {
  const { machine } = await raised(t)
  return { machine, tmux: new ChainedTmux(machine) }
})
