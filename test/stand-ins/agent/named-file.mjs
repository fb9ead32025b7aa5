/** Imitates the tools of a real agent: reads the file that a prompt names, whole, and compares its hash. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

const named = /\[burn \w{13}\] Read (?:the 1 line|all (\d+) lines) of (\S+) \(sha256 ([0-9a-f]{16})/g

/**
 * Returns the prompt, and after it the content of each file that it names. If a file differs from the prompt's facts, the reason is in its
 * place.
 */
export function withFiles(prompt, cwd) {
  const read = [...prompt.matchAll(named)].map(([, lines = '1', path, hash]) => {
    try {
      const text = readFileSync(resolve(cwd, path), 'utf8')
      if (createHash('sha256').update(text).digest('hex').slice(0, 16) !== hash) return `${path} has another hash`
      return text.split('\n').length - 1 === Number(lines) ? text : `${path} has another number of lines`
    } catch (thrown) {
      return `${path} can't be read: ${thrown.code ?? thrown.message}`
    }
  })
  return [prompt, ...read].join('\n')
}
