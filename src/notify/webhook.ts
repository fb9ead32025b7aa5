/** The channel `webhook`: JSON from a template, signed as the Standard Webhooks specification says. */
import { createHmac } from 'node:crypto'
import type { NotifyMessage } from '../core/notify.ts'
import type { Opener } from './channel.ts'
import { withIsoTimes } from '../core/iso-times.ts'
import { readHeaders } from '../host/secrets.ts'
import { readAddress, shownAddress } from './channel.ts'
import { post } from './http.ts'

/** Opens a webhook. Receivers recognise a repeated message by the header `webhook-id`, which equals `idempotency-key`. */
export const openWebhook: Opener<'webhook'> = (name, { url, key, headers, body }, deps) => ({
  kind: 'webhook',
  preview: (message) => ({ url: shownAddress(url), body: filled(body, message) }),
  async send(message, at) {
    const text = JSON.stringify(filled(body, message))
    const signed = key === null ? {} : { 'webhook-signature': signature(await deps.secret(key), message.id, at, text) }
    const own = {
      'content-type': 'application/json',
      'idempotency-key': message.id,
      'webhook-id': message.id,
      'webhook-timestamp': secondsOf(at),
      ...signed,
    }
    const more = await readHeaders(headers, deps.secret)
    await post({ name, url: await readAddress(url, deps), headers: { ...more, ...own }, body: text }, deps)
  },
})

const secondsOf = (at: number) => String(Math.floor(at / 1000))

/**
 * Returns the signature of Standard Webhooks, version 1: HMAC-SHA256 of id, time and body. A key that begins with `whsec_` is in base64, as
 * the specification says; another key is used as it is.
 */
function signature(key: string, id: string, at: number, body: string): string {
  const bytes = key.startsWith('whsec_') ? Buffer.from(key.slice('whsec_'.length), 'base64') : Buffer.from(key)
  return `v1,${createHmac('sha256', bytes)
    .update(`${id}.${secondsOf(at)}.${body}`)
    .digest('base64')}`
}

/**
 * Returns the template with its placeholders filled in. A text that is only one placeholder becomes the value itself, so that `{{events}}`
 * becomes a list. Within a longer text a list becomes JSON.
 */
function filled(template: unknown, message: NotifyMessage): unknown {
  if (typeof template === 'string') {
    const [, only] = /^\{\{(\w+)\}\}$/.exec(template) ?? []
    if (only !== undefined) return valueOf(only, message)
    return template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
      const value = valueOf(name, message)
      return typeof value === 'string' ? value : JSON.stringify(value)
    })
  }
  if (Array.isArray(template)) return template.map((each) => filled(each, message))
  if (typeof template !== 'object' || template === null) return template
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, filled(value, message)]))
}

function valueOf(name: string, message: NotifyMessage): unknown {
  // `spec check` refuses other names, so the name is a key of the message.
  return withIsoTimes(message[name as keyof NotifyMessage])
}
