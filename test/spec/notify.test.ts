/** The spec's `notify`: defaults, and findings with their line and column. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { complete, messagesOf, specOf } from './specs.ts'

const hook = { kind: 'webhook', url: 'https://hooks.example.com/burn' }
const windows = [{ name: 'W', panes: 1, repos: ['app'] }]

/** Returns the findings in a spec with this `notify`, without their positions. */
const found = (notify: object): string[] => messagesOf(specOf(windows, { notify })).map((line) => line.replace(/^\d+:\d+ /, ''))
const withChannel = (channel: object) => found({ channels: { it: channel }, rules: [] })
const withRule = (rule: object) => found({ channels: { it: hook }, rules: [{ kinds: ['worker.dead'], channels: ['it'], ...rule }] })

test('notify: fills in the defaults', () => {
  const rule = { kinds: ['worker.*'], channels: ['it'], quiet_hours: '22:30-07:00', debounce: '5m' }
  const { notify } = complete(specOf(windows, { notify: { channels: { it: hook }, rules: [rule] } })).fleet
  assert.deepEqual(notify?.rules, [{ ...rule, debounce: 300_000, digest: 0, quiet_hours: { from: 1350, to: 420 }, recovery: true }])
  const body = { id: '{{id}}', fleet: '{{fleet}}', title: '{{title}}', text: '{{text}}', events: '{{events}}' }
  assert.deepEqual([notify?.channels['it'], notify?.zone], [{ ...hook, key: null, headers: {}, body }, 'UTC'])
  assert.equal(complete(specOf(windows)).fleet.notify, null)
})

test('notify: a report needs channels that exist', () => {
  const reportOf = (report: object) =>
    complete(specOf(windows, { notify: { channels: { it: hook }, rules: [], report } })).fleet.notify?.report
  assert.deepEqual(reportOf({ channels: ['it'] }), { channels: ['it'], at: null, since: 43_200_000 })
  assert.deepEqual(reportOf({ channels: ['it'], at: '07:30', since: '1d' }), { channels: ['it'], at: 450, since: 86_400_000 })
  const wrong = (report: object) => found({ channels: { it: hook }, rules: [], report })
  assert.deepEqual(wrong({ channels: ['if'] }), ['there is no channel "if". did you mean "it"? add the channel to "notify.channels"'])
  assert.match(wrong({ channels: ['it'], at: '7:30' })[0]!, /time of day/)
})

test('notify: a broken template has its line and column', () => {
  const text = `{
  "forge": {"kind": "folder", "path": "~/burn"},
  "notify": {
    "channels": {
      "it": {"kind": "webhook", "url": "https://x.example.com", "body": {
        "a": "{{title}}",
        "b": ["{{texts}}", {"c": "{{id"}]
      }}
    },
    "rules": []
  },
  "machines": {"box": {"windows": [{"name": "W", "repos": ["app"]}]}}
}`
  const listed = 'placeholders are: {{id}} {{fleet}} {{title}} {{text}} {{events}}'
  assert.deepEqual(messagesOf(text), [
    `7:15 the template has an unknown placeholder: {{texts}}. did you mean "text"? the ${listed}`,
    `7:34 the template has "{{" without "}}", or the reverse. write a placeholder like {{title}}; the ${listed}`,
  ])
})

test('notify: refuses secrets in the spec and wrong addresses', () => {
  const file = { file: '~/x' }
  for (const channel of [
    { kind: 'slack', url: 'https://hooks.example.com/services/topsecret' },
    { ...hook, url: 'https://ada:topsecret@example.com' },
    { ...hook, url: 'https://exa mple.com' },
    { ...hook, headers: { 'Content-Type': file } },
    { ...hook, headers: { 'X-Key': 'topsecret' } },
    { kind: 'email', server: 'smtps://ada:topsecret@mail.example.com', from: 'a@x.test', to: ['b@x.test'] },
    { kind: 'email', server: 'smtps://mail.example.com', from: 'a@x.test\r\nBcc: c@x.test', to: ['b@x.test'] },
    { kind: 'email', server: 'smtps://mail.example.com', user: 'ada', from: 'a@x.test', to: ['b@x.test'] },
    { kind: 'email', server: 'smtps://mail.example.com:99999', from: 'a@x.test', to: ['b@x.test'] },
    { kind: 'ntfy', url: 'https://ntfy.example.com', topic: 'two words' },
    { kind: 'command', command: ['-c', 'x'] },
    { kind: 'pager', url: 'https://x.example.com' },
  ]) {
    const findings = withChannel(channel)
    assert.ok(findings.length > 0, JSON.stringify(channel))
    assert.doesNotMatch(findings.join('\n'), /topsecret/)
  }
  assert.deepEqual(withChannel({ ...hook, url: file, key: file, headers: { Authorization: file } }), [])
})

test('notify: checks the rules', () => {
  assert.deepEqual(withRule({}), [])
  assert.deepEqual(withRule({ channels: ['if'] }), ['there is no channel "if". did you mean "it"? add the channel to "notify.channels"'])
  assert.match(withRule({ quiet_hours: '22:00-22:00' })[0]!, /begin and end at the same time/)
  assert.match(withRule({ quiet_hours: '22-7' })[0]!, /two times of day/)
  assert.match(withRule({ digest: '25h' })[0]!, /at least once a day/)
  assert.match(withRule({ digest: '0s' })[0]!, /at least once a day/)
  assert.match(found({ channels: {}, rules: [], zone: 'Mars/Olympus' })[0]!, /time zone/)
})
