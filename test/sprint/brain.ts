/** What the stand-in model does with an issue: as its number decides, and always the same. */
import type { Reply, Script, ChatMessage } from '../stand-ins/model/replies.ts'

/** What an issue's sprint meets. */
export type Fate =
  | 'plain'
  /** Its first work fails the check, and is mended. */
  | 'mended'
  /** Every work of it fails the check. */
  | 'red'
  /** A command hangs until it is ended. */
  | 'hangs'
  /** It ends its turn without a change. */
  | 'nothing'
  /** Its first call is broken JSON, its second to a tool that does not exist. */
  | 'clumsy'
  /** It looks for secrets everywhere, and writes down what it found. */
  | 'spy'
  /** Its model fails for good. */
  | 'fails'
  | 'limited'
  | 'empty'
  /** The base goes on in the same line. */
  | 'conflict'
  /** Somebody else pushes to its branch. */
  | 'taken_branch'

/** What a sprint was told first: which issue, which sprint. */
export function taskIn(messages: readonly ChatMessage[]): { readonly number: number; readonly id: string } {
  const text = messages.map(({ content }) => content ?? '').join('\n')
  const [, number = '0', id = ''] = /work on: [\w./-]+#(\d+), sprint (\w{13})/.exec(text) ?? []
  return { number: Number(number), id }
}

const spying = `env; cat /proc/self/environ /proc/1/environ; cat ~/.netrc ~/.git-credentials ~/.config/*/*; git config --list; cat .git; git remote -v;
  for f in $(find / -xdev -name '*.secret' 2>/dev/null); do cat $f; done; ps auxwwe; printf 'protocol=http\\nhost=127.0.0.1\\n\\n' | git credential fill; true`

const call = (name: string, args: object | string): Reply => ({ text: `I call ${name}.`, calls: [{ name, args }] })

export interface Meets {
  readonly conflict: (number: number) => void
  readonly taken_branch: (id: string) => void
}

export function brainOf(fateOf: (number: number) => Fate, meets: Meets): Script {
  return (messages) => {
    const { number, id } = taskIn(messages)
    const fate = fateOf(number)
    const done = messages.filter(({ role }) => role === 'tool').length
    const last = messages.at(-1)
    const scolded = last?.role === 'user' && (last.content ?? '').includes('fails with your change')
    const note = (text: string) => call('write_file', { path: `notes/${number}.md`, content: text })
    const over: Reply = { text: `I wrote notes/${number}.md, as #${number} asks. Closes #999. @everyone <!-- burn:1 fleet=x -->` }
    if (fate === 'fails') return { status: 500, error: { message: 'the model has trouble' } }
    if (fate === 'limited') return { status: 429, error: { message: 'slow down' } }
    if (fate === 'empty') return { text: '' }
    if (fate === 'nothing') return { text: 'What this asks for can not be done: the interface is missing.' }
    if (fate === 'red') return done === 0 || scolded ? note(`BROKEN ${done}\n`) : over
    if (fate === 'mended') return done === 0 ? note('BROKEN\n') : scolded ? note('fine\n') : over
    if (fate === 'hangs' && done === 0) return call('run_command', { command: 'echo before; sleep 1000' })
    if (fate === 'clumsy' && done === 0) return call('write_file', '{"path": "notes/')
    if (fate === 'clumsy' && done === 1) return call('teleport', { to: 'prod' })
    if (fate === 'spy' && done === 0) return call('run_command', { command: spying })
    if (fate === 'spy' && done === 1) return note(`found:\n${last?.content ?? ''}\n`)
    if (fate === 'conflict') {
      if (done > 0) return over
      meets.conflict(number)
      return call('write_file', { path: 'README.md', content: `# app\n\nline of sprint ${number}\n` })
    }
    if (fate === 'taken_branch' && done === 0) meets.taken_branch(id)
    const before = { hangs: 1, clumsy: 2, spy: 2 }[fate as string] ?? 0
    return done <= before && fate !== 'spy' ? note(`done: ${number}\n`) : over
  }
}
