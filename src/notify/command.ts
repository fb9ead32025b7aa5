/** The channel `command`: runs a program for each message, such as notify-send or Apprise. */
import type { NotifyMessage } from '../core/notify.ts'
import type { Opener } from './channel.ts'
import { NotifyError } from '../core/notify.ts'
import { runProcess } from '../host/exec.ts'

const maxOutput = 64 * 1024

/** Opens a program. It gets the text on its standard input and in its environment: its arguments are only the words of the spec. */
export const openCommand: Opener<'command'> = (name, { command }, { env, timeout_ms }) => ({
  kind: 'command',
  preview: (message) => ({ command, env: variables(message), input: message.text }),
  async send(message) {
    const own = Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))
    const input = `${message.text}\n`
    const options = { input, timeout_ms, max_bytes: maxOutput, env: { ...Object.fromEntries(own), ...variables(message) } }
    const { code, stopped } = await runProcess(command, options)
    if (code === 0 && stopped === null) return
    // The output may contain secrets, so it is not part of the error.
    const how = stopped === 'timeout' ? 'did not end in time' : code === null ? 'was killed' : `ended with status ${code}`
    throw new NotifyError('notify_command', `the command ${command[0]} of ${name} ${how}`, 'run the command by hand, and read its errors')
  },
})

function variables({ id, title, text }: NotifyMessage): Readonly<Record<string, string>> {
  return { BURN_MESSAGE_ID: id, BURN_TITLE: title, BURN_TEXT: text }
}
