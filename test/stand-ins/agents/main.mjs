#!/usr/bin/env node
/**
 * A small real terminal program that imitates other agents: `main.mjs --as claude|codex|gemini|opencode|pi|qwen [options]`. skins.mjs has
 * the screen and behaviour of each. Its log of received prompts has the format of the stand-in for Hermes. It uses only node: built-ins,
 * and runs under Node 20.
 */
import { appendFileSync } from 'node:fs'
import { keyReader } from '../agent/keys.mjs'
import { withFiles } from '../agent/named-file.mjs'
import { wrap } from '../agent/screen.mjs'
import { skins } from './skins.mjs'

const numbers = { '--turn-ms': 300, '--start-ms': 0, '--ask-every': 0, '--approve-every': 0, '--lag-ms': 0 }
const words = { '--as': 'claude', '--log': '', '--fail': '', '--rate-limit': '' }
const options = { ...numbers, ...words }
for (let i = 2; i < process.argv.length - 1; i++) {
  const name = process.argv[i]
  if (name in numbers) options[name] = Number(process.argv[++i])
  else if (name in words) options[name] = process.argv[++i]
}
const skin = skins[options['--as']]
const file = options['--log'].replaceAll('%p', (process.env.TMUX_PANE ?? 'none').replace('%', '')).replaceAll('%d', String(process.pid))

function log(event, fields = {}) {
  if (file !== '') appendFileSync(file, `${JSON.stringify({ at: Date.now(), event, ...fields })}\n`)
}

/** The text of the composer as it will be sent; `composer` has the text as shown. */
let full = ''
let pastes = 0
const queue = []
const transcript = [...skin.banner]
let composer = ''
let state = 'idle'
let since = Date.now()
let turns = 0
let pasted = 0
let answer = null
let drawing = null

/** Redraws the whole screen: the transcript, and below it the frame of the skin. */
function draw() {
  drawing = null
  const width = process.stdout.columns || 80
  const height = process.stdout.rows || 24
  const shown = composer.split('\n').flatMap((line) => wrap(line, width - 6))
  const frame = skin.frame({
    width,
    state,
    composer: composer === '' ? [] : shown,
    queued: queue.map(({ text }) => text),
    seconds: Math.floor((Date.now() - since) / 1000),
    question: questions[state],
  })
  const room = Math.max(0, height - frame.rows.length)
  const above = transcript.flatMap((line) => wrap(line, width)).slice(-room || transcript.length)
  const blank = skin.bottom ? Array(Math.max(0, room - above.length)).fill('') : []
  const rows = [...above.slice(0, room), ...blank, ...frame.rows].slice(-height)
  const [x, y] = frame.cursor
  const top = rows.length - frame.rows.length
  process.stdout.write(
    `\x1b[?25l\x1b[H${rows.map((row) => `\x1b[K${row}`).join('\r\n')}\x1b[J\x1b[${top + y + 1};${x + 1}H\x1b[?25h${frame.title === null ? '' : `\x1b]2;${frame.title}\x07`}`,
  )
}

function changed() {
  if (options['--lag-ms'] === 0) draw()
  else drawing ??= setTimeout(draw, options['--lag-ms'])
}

const questions = {
  approval: { title: 'git push origin main --force', choices: ['Yes, allow once', 'Yes, and do not ask again', 'No, and say what to do'] },
  question: { title: 'Which database should it be?', choices: ['PostgreSQL 16', 'SQLite', 'Something else'] },
}

function ask(kind) {
  state = kind
  log('asked', { kind })
  changed()
  return new Promise((done) => (answer = done))
}

function close(choice) {
  log('answered', { kind: state, answer: questions[state].choices[choice] })
  state = 'working'
  const done = answer
  answer = null
  done()
}

/** Returns a row of a failed turn, changed to a failure by the rate limit. */
const asLimited = (row) =>
  row.replace(/(?:500 Internal server error\.|(?:401 )?(?:Unauthorized: )?Invalid API key provided)/, '429 Too Many Requests')

async function run({ text, full: whole }) {
  turns++
  const number = turns
  state = 'working'
  since = Date.now()
  transcript.push('', ...skin.echo(text, whole))
  log('turn_start', { number, text: whole })
  changed()
  if (skin.asks && options['--ask-every'] > 0 && number % options['--ask-every'] === 0) await ask('question')
  if (skin.asks && options['--approve-every'] > 0 && number % options['--approve-every'] === 0) await ask('approval')
  await new Promise((done) => setTimeout(done, options['--turn-ms']))
  const read = withFiles(whole, process.cwd())
  const failed = options['--fail'] !== '' && read.includes(options['--fail'])
  const limited = options['--rate-limit'] !== '' && read.includes(options['--rate-limit'])
  transcript.push('', ...(failed || limited ? skin.failed.map((row) => (limited ? asLimited(row) : row)) : skin.done))
  log('turn_end', { number, outcome: failed || limited ? 'failed' : 'done' })
  state = 'idle'
  const next = queue.shift()
  if (next !== undefined) return run(next)
  changed()
}

function enter() {
  if (answer !== null) return close(0)
  if (Date.now() - pasted < skin.swallows) return log('swallowed')
  const text = composer.trim()
  if (text === '') return
  const sent = { text, full: full.trim() }
  composer = full = ''
  log('received', { state, text: withFiles(sent.full, process.cwd()), line: sent.full, shown: text })
  if (state === 'idle') return void run(sent)
  if (skin.busy === 'cut') log('interrupted', { why: 'enter' })
  queue.push(sent)
}

function paste(text) {
  if (answer !== null) return log('lost', { text })
  pasted = Date.now()
  const mark = skin.collapse(text, pastes + 1)
  if (mark !== null) pastes++
  composer += mark ?? text
  full += text
}

function type(text) {
  if (answer === null) {
    composer += text
    full += text
    return
  }
  const digit = /[1-3]/.exec(text)
  if (digit !== null && skin.digits) close(Number(digit[0]) - 1)
}

let marked = 0
function press(key) {
  if (key.paste !== undefined) paste(key.paste)
  else if (key.text !== undefined) type(key.text)
  else if (answer !== null && (key.key === 'down' || key.key === 'up'))
    questions[state].marked = marked = Math.max(0, Math.min(2, marked + (key.key === 'down' ? 1 : -1)))
  else if (key.key === 'enter' && answer !== null) {
    close(marked)
    marked = 0
    for (const each of Object.values(questions)) each.marked = 0
  } else if (key.key === 'enter') enter()
  else if (key.key === 'newline') [composer, full] = [`${composer}\n`, `${full}\n`]
  else if (key.key === 'ctrl-u') composer = full = ''
  else if (key.key === 'backspace') [composer, full] = [composer.slice(0, -1), full.slice(0, -1)]
  else if (key.key === 'ctrl-c') {
    if (composer !== '') composer = full = ''
    else if (skin.exits) {
      log('exit', { why: 'ctrl-c' })
      process.stdout.write(`\x1b[2J\x1b[H${skin.farewell}\r\n`)
      process.exit(0)
    }
  }
}

process.stdin.setRawMode?.(true)
log('start', { pid: process.pid, as: options['--as'] })
for (const signal of ['SIGHUP', 'SIGTERM'])
  process.on(signal, () => {
    log('exit', { why: signal })
    process.exit(1)
  })
setTimeout(() => {
  process.stdout.write(`${skin.alternate ? '\x1b[?1049h' : ''}\x1b[?2004h`)
  const read = keyReader()
  process.stdout.on('resize', draw)
  process.stdin.on('data', (bytes) => {
    for (const key of read(bytes)) press(key)
    changed()
  })
  process.stdin.on('end', () => process.exit(0))
  setInterval(() => state === 'working' && changed(), 500)
  draw()
  log('ready')
}, options['--start-ms'])
