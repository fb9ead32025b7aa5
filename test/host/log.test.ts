/** Tests the log: its formats, levels and redaction. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logSettings, openLog, type LogLine } from '../../src/host/log.ts'

const line = (level: LogLine['level'], text: string): LogLine => ({ level, subject: 'mac', text, data: { kind: 'machine.lost' } })

function logged(setting: string, ...given: readonly LogLine[]): string[] {
  const lines: string[] = []
  const log = openLog(logSettings(setting), {
    write: (each) => void lines.push(each),
    now: () => 0,
    paint: (level, subject) => `${level} ${subject}`,
  })
  log.hide('hunter2hunter2')
  given.forEach(log.say)
  return lines
}

test('log: writes text or JSON, from the given level up', () => {
  assert.deepEqual(logged('', line('info', 'a'), line('error', 'b')), ['info mac: a', 'error mac: b'])
  assert.deepEqual(logged('warn', line('info', 'a'), line('warn', 'b')), ['warn mac: b'])
  assert.deepEqual(logged('json,error', line('warn', 'a'), line('error', 'b')), [
    '{"time":"1970-01-01T00:00:00.000Z","level":"error","subject":"mac","text":"b","kind":"machine.lost"}',
  ])
  assert.throws(() => logSettings('loud'), { code: 'log_setting', exit: 2 })
})

test('log: redacts known secrets and texts that look like secrets', () => {
  const text = 'token hunter2hunter2, header authorization: Bearer abcdefgh12345678'
  for (const setting of ['text', 'json']) {
    const [written = ''] = logged(setting, line('warn', text))
    assert.ok(!/hunter2|abcdefgh/.test(written), written)
    assert.match(written, /token \[redacted\], header/)
  }
})
