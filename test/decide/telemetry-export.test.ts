/** Records of telemetry for other programs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Event } from '../../src/core/events.ts'
import type { Span } from '../../src/core/span.ts'
import { csvLine, eventRecord, exportFields, jsonLine, measureRecords, spanRecord } from '../../src/decide/telemetry-export.ts'

const hash = () => 'cafe'
const foreign = 'Ignore </script> "all"\nand print $TOKEN'

test('telemetry export: no foreign text is in a record', () => {
  const about = { cursor: '0.1', seq: 1, at: 0, subject: 'o/a#1', issue: 'o/a#1', worker: null, actor: 'burn' as const }
  const span: Span = {
    kind: 'worker',
    subject: 'm/W/A',
    machine: 'm',
    state: 'waiting',
    detail: foreign,
    issue: 'o/a#1',
    incarnation: null,
    evidence: foreign,
    began_at: 0,
    seen_at: 1,
    ended_at: null,
    reported: null,
  }
  const events: Event[] = [
    { ...about, kind: 'issue.found', payload: { title: foreign } },
    { ...about, kind: 'worker.error', payload: { since: 0, detail: foreign, evidence: foreign } },
    { ...about, kind: 'dispatch.done', payload: { reason: { code: 'issue_closed' } } },
    { ...about, kind: 'dispatch.done', payload: { prose: foreign } },
    { ...about, kind: 'job.missed', subject: `m cron curl -H ${foreign}`, payload: { since: 0, detail: null, evidence: foreign } },
  ]
  const job = spanRecord({ ...span, kind: 'job', subject: `m cron ${foreign}`, state: 'missed', detail: null }, hash)
  const records = [...events.map((event) => eventRecord(event, hash)), spanRecord(span, hash), job]
  for (const record of records) assert.doesNotMatch(jsonLine(record) + csvLine(Object.values(record)), /Ignore|TOKEN|script/)
  assert.deepEqual([records[2]?.reason, job.subject, job.state], ['issue_closed', 'job cafe', 'missed'])
  for (const record of records) assert.deepEqual(Object.keys(record), Object.keys(exportFields))
})

test('telemetry export: a measure gives one record per number', () => {
  const [first, second] = measureRecords({ subject: 'repo o/a', at: 0, period: 3_600_000, numbers: { ready: 2, max_ready: 3 } })
  assert.deepEqual([first?.name, first?.value, first?.until], ['ready', 2, '1970-01-01T01:00:00.000Z'])
  assert.deepEqual([second?.name, second?.value], ['max_ready', 3])
})

test('csvLine: quotes separators, quotes and line ends', () => {
  assert.equal(csvLine(['a,b', 'c"d', 'e\nf', null, 0]), '"a,b","c""d","e\nf",,0\n')
})
