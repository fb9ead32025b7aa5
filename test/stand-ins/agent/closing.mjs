/** A turn that finishes an issue: it finds the issue and the forge in its prompt, and closes the issue over HTTP. */
import { request } from 'node:http'

export async function turn(prompt, ctx) {
  const [, repo, number] = /^You have one issue to work on: (\S+)#(\d+) /m.exec(prompt) ?? []
  const [, api] = /^Forge API: (\S+)\. /m.exec(prompt) ?? []
  if (repo === undefined || api === undefined) return ctx.print('Understood.')
  const status = await send('PATCH', `${api}/repos/${repo}/issues/${number}`, ctx.env.STANDIN_TOKEN, { state: 'closed' })
  ctx.print(`closed ${repo}#${number}: ${status}`)
}

function send(method, url, token, body) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `token ${token}`, 'content-type': 'application/json' }
    const call = request(url, { method, headers }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode))
    })
    call.once('error', reject)
    call.end(JSON.stringify(body))
  })
}
