const MAX_PART = 64

/**
 * The name of a durable consumer: queue group and topic in letters that JetStream allows, and a number of both as they
 * are, for different ones may look alike: `billing-orders_placed-1f3a5c7e`.
 */
export function consumerName(queue: string, topic: string): string {
  return `${legible(queue)}-${legible(topic)}-${hash(`${queue} ${topic}`)}`
}

function legible(text: string): string {
  return text
    .replaceAll('>', 'all')
    .replaceAll('*', 'any')
    .replaceAll(/[^\w-]/g, '_')
    .slice(0, MAX_PART)
}

/** FNV-1a of the UTF-16 units, 32 bits in hexadecimal digits. */
function hash(text: string): string {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  }
  return (value >>> 0).toString(16).padStart(8, '0')
}
