/** List prices of models, from the table in the package `@pydantic/genai-prices`. burn makes no request for them. */
import { calcPrice } from '@pydantic/genai-prices'
import type { UsageRecord } from '../core/usage.ts'
import { modelOf } from '../decide/costs.ts'

/**
 * Returns the cost of usage at the list price (USD); null if the table has no price for the model of this provider. Some prices depend on
 * the size of a request. For those, the mean size of the requests in the record counts.
 */
export function listPrice(record: UsageRecord): number | null {
  const { calls, input, output, provider, hour } = record
  const requests = Math.max(1, calls)
  const [cache_read, cache_write] = [record.cache_read ?? 0, record.cache_write ?? 0]
  const usage = {
    input_tokens: (input + cache_read + cache_write) / requests,
    cache_read_tokens: cache_read / requests,
    cache_write_tokens: cache_write / requests,
    output_tokens: output / requests,
  }
  const options = { timestamp: new Date(hour), ...(provider === '' ? {} : { providerId: provider }) }
  try {
    const price = calcPrice(usage, modelOf(record), options)
    return price === null ? null : price.total_price * requests
  } catch {
    // The package throws if the tokens do not fit together.
    return null
  }
}
