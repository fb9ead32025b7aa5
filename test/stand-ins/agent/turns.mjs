/** Runs turns one after another: the queue, the running turn, and its questions and approvals. */
import { existsSync, readFileSync } from 'node:fs'
import { withFiles } from './named-file.mjs'
import { wrap } from './screen.mjs'

const choices = ['PostgreSQL 16 (Recommended)', 'SQLite', 'MySQL', 'Other (type your answer)']
const approvals = ['Allow once', 'Allow for this session', 'Add to permanent allowlist', 'Deny']

function box(title, lines) {
  return [`╭─ ${title} ${'─'.repeat(40)}╮`, ...lines.map((line) => `│ ${line.padEnd(46)} │`), `╰${'─'.repeat(48)}╯`]
}

/** Returns the error of the provider: `<reason of the hook> <message>` from a file; null if the file does not exist. */
function refusal(file) {
  if (file === '' || !existsSync(file)) return null
  const [reason, ...message] = readFileSync(file, 'utf8').trim().split(' ')
  return Object.assign(new Error(message.join(' ')), { reason })
}

/**
 * `worker(prompt, ctx)` does a turn. ctx has print(...lines), sleep(ms), which ends early if the turn is interrupted, signal, ask(),
 * approve(), log(event, fields), env and cwd.
 */
export function createTurns({ options, log, print, changed, worker }) {
  const queue = []
  let state = 'idle'
  let since = Date.now()
  let last = '0s'
  let overlay = []
  let waiting = null
  let running = null
  let count = 0

  function open(kind, title, list) {
    state = kind
    overlay = box(
      title,
      kind === 'freetext'
        ? ['Type your answer in the prompt below, then', 'press Enter.']
        : list.map((item, i) => `${i === 0 ? '❯' : ' '} ${i + 1}. ${item}`),
    )
    log('asked', { kind })
    changed()
    return new Promise((resolve) => (waiting = { resolve, list }))
  }

  function close(answer) {
    const { resolve } = waiting
    waiting = null
    overlay = []
    log('answered', { kind: state, answer })
    state = 'working'
    resolve(answer)
    changed()
  }

  function echo(text) {
    const rule = '─'.repeat(40)
    const lines = text.split('\n')
    const shown = lines.length <= 5 ? lines : [...lines.slice(0, 2), `... (+${lines.length - 4} more lines)`, ...lines.slice(-2)]
    print('', rule, `● ${shown[0]}`, ...shown.slice(1), rule, '')
  }

  async function run(text, how) {
    count++
    const number = count
    const interruption = new AbortController()
    const { signal } = interruption
    running = interruption
    state = 'working'
    since = Date.now()
    echo(text)
    log('turn_start', { number, how, text })
    const spin = options.spinMs > 0 ? setInterval(changed, options.spinMs) : null
    const sleep = (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms)
        signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
      })
    const ctx = {
      print,
      sleep,
      signal,
      log,
      env: process.env,
      cwd: process.cwd(),
      ask: () => open('question', 'Hermes needs your input', choices),
      approve: () => open('approval', 'Dangerous command', approvals),
    }
    let outcome = 'done'
    let reason = 'server_error'
    try {
      if (options.askEvery > 0 && number % options.askEvery === 0) await ctx.ask()
      if (options.approveEvery > 0 && number % options.approveEvery === 0) await ctx.approve()
      const whole = withFiles(text, process.cwd())
      if (options.fail !== '' && whole.includes(options.fail)) throw new Error('Connection error.')
      if (options.rateLimit !== '' && whole.includes(options.rateLimit)) throw new Error('HTTP 429: Too Many Requests')
      const refused = refusal(options.trouble)
      if (refused !== null) throw refused
      await worker(whole, ctx)
    } catch (thrown) {
      outcome = 'failed'
      reason = thrown.reason ?? reason
      if (thrown.reason !== undefined) print(`❌ Non-retryable client error (${thrown.message.split(':')[0]}). Aborting.`)
      const width = Math.max(20, (process.stdout.columns || 80) - 2)
      print(
        ` ─  ⚕ Hermes  ${'─'.repeat(width - 13)}`,
        '',
        ...wrap(` ${thrown.reason === undefined ? 'API call failed after 3 retries: ' : ''}${thrown.message}`, width),
        '',
        ` ${'─'.repeat(width)}`,
      )
    }
    if (spin !== null) clearInterval(spin)
    if (signal.aborted) outcome = 'interrupted'
    log('turn_end', { number, outcome, reason })
    last = `${Math.round((Date.now() - since) / 1000)}s`
    running = null
    state = 'idle'
    overlay = []
    waiting = null
    next()
  }

  /** Starts the next turn. Like Hermes, it prints a slash command when it takes it from the queue. */
  function next() {
    const item = queue.shift()
    if (item === undefined) return changed()
    const command = /^\/(?:queue|q)\s+([^]*)$/.exec(item.full)
    if (command !== null) print('', `⚙️  ${item.shown}`)
    else if (/^\/[a-z]+(?:\s|$)/.test(item.full)) {
      const [, model] = /^\/model (\S+)/.exec(item.full) ?? []
      if (model !== undefined) options.model = model
      print('', model === undefined ? `⚙️  ${item.shown}` : `  ✓ Model switched: ${model}`)
      return next()
    }
    const text = command === null ? item.full : command[1]
    if (options.echoMs === 0) return void run(text, item.how)
    setTimeout(() => run(text, item.how), options.echoMs)
    changed()
  }

  return {
    get state() {
      return state
    },
    get since() {
      return since
    },
    get last() {
      return last
    },
    get overlay() {
      return overlay
    },
    submit(shown, full) {
      const preview = `${shown.slice(0, 80)}${shown.length > 80 ? '...' : ''}`
      const slash = full.startsWith('/')
      if (state === 'idle') {
        queue.push({ shown, full, how: 'idle' })
        if (running === null && queue.length === 1) next()
        return
      }
      queue[slash || options.busyMode === 'queue' ? 'push' : 'unshift']({ shown, full, how: slash ? 'slash' : options.busyMode })
      if (slash) return
      if (options.busyMode === 'queue') return print(`  Queued for the next turn: ${preview}`)
      print(`  ↪ Redirected current turn: '${preview}'`)
      this.interrupt('enter')
    },
    interrupt(why) {
      log('interrupted', { why, number: count })
      if (waiting !== null) close('cancelled')
      running?.abort()
    },
    /**
     * Handles Enter while a question is open. `none`: no question is open. `kept`: answered, and the draft stays. `taken`: the draft was
     * the answer.
     */
    answer(text) {
      if (waiting === null) return 'none'
      if (state === 'freetext') {
        if (text.trim() === '') return 'kept'
        close(text.trim())
        return 'taken'
      }
      close(waiting.list[0])
      return 'kept'
    },
    /** Answers an open choice with a typed digit, without Enter. */
    digit(char) {
      if (waiting === null || state === 'freetext' || !/[1-4]/.test(char)) return false
      const { resolve, list } = waiting
      if (state === 'question' && char === '4') void open('freetext', 'Hermes needs your input', []).then(resolve)
      else close(list[Number(char) - 1])
      return true
    },
  }
}
