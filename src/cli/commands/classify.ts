/** `burn classify`: what a recorded screen says, for anybody who wants to check how it is read. */
import { Command } from 'commander'
import type { Context } from '../context.ts'
import { positive, wholeNumber } from '../context.ts'

interface Options {
  readonly agent: string
  readonly title: string
  readonly command: string
  readonly dead?: boolean
  readonly width?: number
  readonly height?: number
  readonly cursor?: readonly [number, number]
}

export function classifyCommand(context: Context): Command {
  return new Command('classify')
    .description('what a screen says, as JSON: tmux capture-pane -p … | burn classify --agent KIND')
    .requiredOption('-a, --agent <kind>', 'which agent program drew it')
    .option('--title <title>', "the pane's title", '')
    .option('--command <command>', "the pane's current command", '')
    .option('--dead', 'the pane is dead')
    .option('--width <columns>', 'of the pane (default: its longest row)', positive)
    .option('--height <rows>', 'of the pane (default: its rows)', positive)
    .option('--cursor <x,y>', 'where its cursor is (default: 0,0)', cursorAt)
    .addHelpText('after', "\nExample:\n  tmux capture-pane -p -t %5 | burn classify --agent hermes --title '' --width 120 --height 30")
    .action(async (options: Options) => {
      const { paneAgent } = await import('../../agents/index.ts')
      const kind = paneAgent({ kind: options.agent })
      const screen = (await context.io.readInput()).replace(/\n$/, '').split('\n')
      const [cursor_x, cursor_y] = options.cursor ?? [0, 0]
      const { reading, composer, draft, question } = kind.look(screen, {
        width: options.width ?? Math.max(...screen.map((row) => row.length)),
        height: options.height ?? screen.length,
        title: options.title,
        command: options.command,
        dead: options.dead ?? false,
        cursor_x,
        cursor_y,
      })
      context.io.out(JSON.stringify({ ...reading, composer, draft, question: question ?? null }))
    })
}

function cursorAt(text: string): readonly [number, number] {
  const [x = 0, y = 0] = text.split(',').map(wholeNumber)
  return [x, y]
}
