/**
 * The conversations of the stand-in for Hermes. As with Hermes, `--resume ID` continues one, and an unknown id leaves a program that answers
 * every prompt with `Session not found`. A conversation is kept in `$HERMES_HOME/sessions/<id>` after its first prompt.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Opens the conversation that argv names, or a new one. */
export function openSession(argv, env) {
  const at = argv.indexOf('--resume')
  const asked = at < 0 ? null : argv[at + 1]
  const folder = env.HERMES_HOME === undefined ? null : join(env.HERMES_HOME, 'sessions')
  const isMissing = asked !== null && (folder === null || !existsSync(join(folder, asked)))
  const id = asked ?? `s${Date.now().toString(36)}_${process.pid}`
  const file = folder === null ? null : join(folder, id)
  return {
    id,
    isMissing,
    /** What the program prints after its banner, and, if the conversation is missing, after each prompt. */
    banner: isMissing
      ? [`Session not found: ${id}`, 'Use a session ID from a previous CLI run (hermes sessions list).']
      : asked === null
        ? []
        : [
            `↻ Resumed session ${id}`,
            ...readFileSync(file, 'utf8')
              .trimEnd()
              .split('\n')
              .map((line) => `  ● You: ${line.slice(0, 60)}`),
          ],
    keep(prompt) {
      if (file === null) return
      mkdirSync(folder, { recursive: true })
      appendFileSync(file, `${prompt.replaceAll('\n', ' ')}\n`)
    },
  }
}
