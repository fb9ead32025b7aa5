/** `burn completion`: prints a script that completes command lines of burn in a shell. */
import { command, done } from '../command.ts'
import { choice } from '../args.ts'

const shells = ['bash', 'zsh', 'fish'] as const

export const completionCommand = command({
  args: { shell: { ...choice('<shell>', 'Shell that reads the script', shells, undefined), required: true } },
  examples: [
    'burn completion bash > ~/.local/share/bash-completion/completions/burn',
    'burn completion zsh > ~/.zfunc/_burn',
    'burn completion fish > ~/.config/fish/completions/burn.fish',
    'source <(burn completion bash)',
  ],
  notes: [
    'The script completes commands, options, and the names in the spec. With a ledger on SQLite it also completes recent issues.',
    'A script stays valid after an upgrade of burn: it asks burn at each Tab. Completion never creates or changes a ledger.',
  ],
  async run(_, { shell = 'bash' }) {
    const { completionScripts } = await import('../completion-scripts.ts')
    return done({ shell, script: completionScripts[shell] })
  },
  present: ({ script }, io) => io.write(script),
})
