#!/usr/bin/env node
/**
 * A small real terminal program that imitates Hermes' classic screen: it takes prompts in the same way, and logs what it received.
 * src/agents/hermes.ts has the facts that it follows. It uses only node: built-ins, and runs under Node 20.
 */
import { appendFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { createComposer } from './composer.mjs'
import { hookRunner } from './hooks.mjs'
import { keyReader } from './keys.mjs'
import { withFiles } from './named-file.mjs'
import { readOptions, usage } from './options.mjs'
import { createScreen } from './screen.mjs'
import { openSession } from './sessions.mjs'
import { createTurns } from './turns.mjs'

if (process.argv.includes('--help')) {
  process.stdout.write(`${usage}\n`)
  process.exit(0)
}
const options = readOptions(process.argv.slice(2), process.env)
const began = Date.now()

const session = openSession(process.argv, process.env)
const callHooks = hookRunner(process.env, session.id)

/** Logs one event as ground truth, and calls the hooks for it. */
function log(event, fields = {}) {
  callHooks(event, fields)
  if (options.log !== '') appendFileSync(options.log, `${JSON.stringify({ at: Date.now(), event, ...fields })}\n`)
}

const composer = createComposer(process.env.HERMES_HOME ?? null)
const screen = createScreen(process.stdout, chrome, options.lagMs)
const turns = createTurns({ options, log, print: screen.print, changed: () => screen.print(), worker: await loadWorker(options.turn) })
const read = keyReader()
let swallow = options.swallow

async function loadWorker(file) {
  if (file !== '') return (await import(pathToFileURL(file).href)).turn
  return async (_prompt, { print, sleep }) => {
    await sleep(options.turnMs)
    print('Done.')
  }
}

const marks = { working: '⚕', approval: '⚠', question: '?', freetext: '✎' }

function seconds(since) {
  const passed = Math.floor((Date.now() - since) / 1000)
  return passed < 60 ? `${passed}s` : `${Math.floor(passed / 60)}m`
}

/** Returns the current content below the output. */
function chrome() {
  const { state, since, overlay } = turns
  const yolo = options.yolo ? '⚠ YOLO' : null
  const clock = state === 'idle' ? `⏲ ${turns.last}` : `⏱ ${seconds(since)}`
  const mark = marks[state]
  const idle = `${options.profile === '' ? '' : `${options.profile} `}❯ `
  const mode = options.hint === 'mode' ? options.busyMode : 'interrupt'
  const placeholders = { working: `msg=${mode} · /queue · /bg · /steer · Ctrl+C cancel`, freetext: 'type your answer here and press Enter' }
  return {
    status: {
      wide: ` ⚕ ${[options.model, '0/131.1K', '[░░░░░░░░░░] 0%', seconds(began), clock, yolo].filter((part) => part !== null).join(' │ ')}`,
      narrow: ` ⚕ ${[options.model, '0%', seconds(began), yolo].filter((part) => part !== null).join(' · ')}`,
    },
    prompt: mark === undefined ? { wide: idle, narrow: idle } : { wide: `${mark} ❯ `, narrow: `${mark} ` },
    text: composer.text,
    placeholder: placeholders[state] ?? '',
    overlay,
    hint:
      state === 'approval' || state === 'question'
        ? '  ↑/↓ to select, Enter to confirm  (117s)'
        : state === 'freetext'
          ? '  type your answer and press Enter  (117s)'
          : '',
  }
}

function leave(why) {
  log('exit', { why })
  screen.end('Goodbye!')
  process.exit(0)
}

function enter() {
  if (swallow > 0) {
    swallow--
    log('swallowed')
    return
  }
  const overlay = turns.answer(composer.text)
  if (overlay !== 'none') {
    if (overlay === 'taken') composer.clear()
    return
  }
  const text = composer.text.trim()
  if (text === '') return
  const { state } = turns
  const whole = composer.expand(text)
  const full = options.cut > 0 ? whole.slice(0, options.cut) : whole
  composer.clear()
  log('received', { state, text: withFiles(full, process.cwd()), line: full, shown: text })
  if (/^\/(?:quit|exit)$/.test(text)) leave(text)
  if (session.isMissing) return screen.print('', `● ${text}`, ...session.banner)
  session.keep(full)
  turns.submit(text, full)
}

function type(text) {
  for (const char of text) if (!turns.digit(char)) composer.type(char)
}

function press(key) {
  if (key.paste !== undefined) composer.paste(key.paste)
  else if (key.text !== undefined) type(key.text)
  else if (key.key === 'enter') enter()
  else if (key.key === 'newline') composer.type('\n')
  else if (key.key === 'ctrl-u') composer.killLine()
  else if (key.key === 'backspace') composer.rubOut()
  else if (key.key === 'ctrl-c') {
    if (turns.state !== 'idle') turns.interrupt('ctrl-c')
    else if (composer.text === '') leave('ctrl-c')
    else composer.clear()
  } else if (key.key === 'ctrl-d' && composer.text === '') leave('ctrl-d')
}

process.stdin.setRawMode?.(true)
log('start', { pid: process.pid, pane: process.env.TMUX_PANE ?? null, argv: process.argv.slice(2) })
for (const signal of ['SIGHUP', 'SIGTERM']) {
  process.on(signal, () => {
    log('exit', { why: signal })
    process.exit(1)
  })
}
setTimeout(() => {
  process.stdout.on('resize', () => screen.resized())
  process.stdin.on('data', (bytes) => {
    for (const key of read(bytes)) press(key)
    screen.print()
  })
  process.stdin.on('end', () => leave('end of input'))
  screen.print(...session.banner, 'Welcome to the stand-in for Hermes Agent. Type your message or /help for commands.', '')
  log('ready')
}, options.startMs)
