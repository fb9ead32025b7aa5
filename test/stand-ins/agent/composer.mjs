/** Imitates Hermes' composer, with the cursor always at its end. Big pastes collapse to a placeholder. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const collapseLines = 5
const collapseChars = 2000

function isBig(text) {
  return text.split('\n').length - 1 >= collapseLines || text.length >= collapseChars
}

/** `home` is the folder in which the real program saves collapsed pastes, by number and time. With null they stay in memory. */
export function createComposer(home = null) {
  let text = ''
  let count = 0
  const pastes = new Map()

  function collapse(pasted) {
    count++
    const now = new Date().toTimeString().slice(0, 8).replaceAll(':', '')
    const file = join(home ?? '/home/agent/.hermes', 'pastes', `paste_${count}_${now}.txt`)
    const shown = `[Pasted text #${count}: ${pasted.split('\n').length} lines → ${file}]`
    if (home !== null) {
      mkdirSync(join(home, 'pastes'), { recursive: true })
      writeFileSync(file, pasted)
    }
    pastes.set(shown, home === null ? () => pasted : () => readFileSync(file, 'utf8'))
    return shown
  }

  return {
    get text() {
      return text
    },
    type(char) {
      text += char
    },
    paste(pasted) {
      if (pasted === '') return
      if (isBig(pasted) && !text.trim().startsWith('/')) {
        text += `${text === '' || text.endsWith('\n') ? '' : '\n'}${collapse(pasted)}`
        return
      }
      text += pasted
      // For terminals without brackets, Hermes looks at the whole text, and collapses all of it.
      if (pasted.length > 1 && isBig(text) && !text.startsWith('/')) text = collapse(text)
    },
    killLine() {
      const from = text.lastIndexOf('\n') + 1
      text = from === text.length && from > 0 ? text.slice(0, -1) : text.slice(0, from)
    },
    rubOut() {
      text = Array.from(text).slice(0, -1).join('')
    },
    clear() {
      text = ''
    },
    /** Returns the text that the model receives for `shown`. */
    expand(shown) {
      let full = shown
      for (const [placeholder, read] of pastes) full = full.replace(placeholder, read)
      return full
    },
  }
}
