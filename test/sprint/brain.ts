/** The script of the stand-in model: the number of an issue decides its fate, so that every run is the same. */
import type { Reply, Script, ChatMessage } from '../stand-ins/model/replies.ts'

/** The course of an issue's sprint. */
export type Fate =
  | 'plain'
  /** Its first work fails the check, and its second passes. */
  | 'mended'
  /** All its work fails the check. */
  | 'red'
  /** A command hangs until its timeout. */
  | 'hangs'
  /** It ends its turn without a change. */
  | 'nothing'
  /** Its first call is broken JSON; its second names a tool that does not exist. */
  | 'clumsy'
  /** It searches for secrets everywhere, and writes them into a file. */
  | 'spy'
  /** Its model always fails. */
  | 'fails'
  | 'limited'
  | 'empty'
  /** The base branch changes the same line. */
  | 'conflict'
  /** Another person pushes to its branch. */
  | 'taken_branch'

/** Returns the issue and the sprint that the task names. */
export function taskIn(messages: readonly ChatMessage[]): { readonly number: number; readonly id: string } {
  const text = messages.map(({ content }) => content ?? '').join('\n')
  const [, number = '0', id = ''] = /work on: [\w./-]+#(\d+), sprint (\w{13})/.exec(text) ?? []
  return { number: Number(number), id }
}

const spyCommand = `env; cat /proc/self/environ /proc/1/environ; cat ~/.netrc ~/.git-credentials ~/.config/*/*; git config --list; cat .git; git remote -v;
  for f in $(find / -xdev -name '*.secret' 2>/dev/null); do cat $f; done; ps auxwwe; printf 'protocol=http\\nhost=127.0.0.1\\n\\n' | git credential fill; true`

const call = (name: string, args: object | string): Reply => ({ text: `I call ${name}.`, calls: [{ name, args }] })

/** Functions that cause an event from outside, for the fates that need one. */
export interface FateEvents {
  readonly conflict: (number: number) => void
  readonly taken_branch: (id: string) => void
}

/** Returns a script that plays the fate of each issue. */
export function brainOf(fateOf: (number: number) => Fate, events: FateEvents): Script {
  return (messages) => {
    const { number, id } = taskIn(messages)
    const fate = fateOf(number)
    const toolCalls = messages.filter(({ role }) => role === 'tool').length
    const last = messages.at(-1)
    const isAfterFailedCheck = last?.role === 'user' && (last.content ?? '').includes('fails with your change')
    const note = (text: string) => call('write_file', { path: `notes/${number}.md`, content: text })
    const finalReply: Reply = { text: `I wrote notes/${number}.md, as #${number} asks. Closes #999. @everyone <!-- burn:1 fleet=x -->` }
    if (fate === 'fails') return { status: 500, error: { message: 'the model has trouble' } }
    if (fate === 'limited') return { status: 429, error: { message: 'slow down' } }
    if (fate === 'empty') return { text: '' }
    if (fate === 'nothing') return { text: 'What this asks for can not be done: the interface is missing.' }
    if (fate === 'red') return toolCalls === 0 || isAfterFailedCheck ? note(`BROKEN ${toolCalls}\n`) : finalReply
    if (fate === 'mended') return toolCalls === 0 ? note('BROKEN\n') : isAfterFailedCheck ? note('fine\n') : finalReply
    if (fate === 'hangs' && toolCalls === 0) return call('run_command', { command: 'echo before; sleep 1000' })
    if (fate === 'clumsy' && toolCalls === 0) return call('write_file', '{"path": "notes/')
    if (fate === 'clumsy' && toolCalls === 1) return call('teleport', { to: 'prod' })
    if (fate === 'spy' && toolCalls === 0) return call('run_command', { command: spyCommand })
    if (fate === 'spy' && toolCalls === 1) return note(`found:\n${last?.content ?? ''}\n`)
    if (fate === 'conflict') {
      if (toolCalls > 0) return finalReply
      events.conflict(number)
      return call('write_file', { path: 'README.md', content: `# app\n\nline of sprint ${number}\n` })
    }
    if (fate === 'taken_branch' && toolCalls === 0) events.taken_branch(id)
    const before = { hangs: 1, clumsy: 2, spy: 2 }[fate as string] ?? 0
    return toolCalls <= before && fate !== 'spy' ? note(`done: ${number}\n`) : finalReply
  }
}
