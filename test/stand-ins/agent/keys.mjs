/**
 * Turns the bytes of a terminal into keys. It always recognises paste brackets, even while the mode is off, as prompt_toolkit's parser
 * does.
 */
import { StringDecoder } from 'node:string_decoder'

const open = '\x1b[200~'
const close = '\x1b[201~'

/** Returns a function from bytes to keys: {paste}, {text}, {key: enter|newline|ctrl-c|ctrl-d|ctrl-u|backspace|up|down}. */
export function keyReader() {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  return (bytes) => {
    const keys = []
    rest += decoder.write(bytes)
    while (rest !== '') {
      const used = take(rest, keys)
      if (used === 0) break
      rest = rest.slice(used)
    }
    return keys
  }
}

const control = {
  '\r': 'enter',
  '\n': 'newline',
  '\x03': 'ctrl-c',
  '\x04': 'ctrl-d',
  '\x15': 'ctrl-u',
  '\x7f': 'backspace',
  '\b': 'backspace',
}
const arrows = { '\x1b[A': 'up', '\x1b[B': 'down' }

/** Reads one key from the beginning of `text`. Returns the number of characters used; 0 if the key is not complete. */
function take(text, keys) {
  if (text.startsWith(open)) {
    const end = text.indexOf(close, open.length)
    if (end < 0) return 0
    keys.push({ paste: text.slice(open.length, end).replace(/\r\n?/g, '\n') })
    return end + close.length
  }
  if (text[0] === '\x1b') {
    const sequence = /^\x1b\[[0-9;?]*[ -/]*[@-~]|^\x1bO.|^\x1b[^[O]/.exec(text)
    if (sequence === null) return 0
    if (sequence[0] in arrows) keys.push({ key: arrows[sequence[0]] })
    return sequence[0].length
  }
  if (text[0] in control) keys.push({ key: control[text[0]] })
  else if (text[0] >= ' ' || text[0] === '\t') {
    const typed = /^[^\x00-\x08\x0a-\x1f\x7f]+/.exec(text)[0]
    keys.push({ text: typed })
    return typed.length
  }
  return 1
}
