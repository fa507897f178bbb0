import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { buildSync } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type NatsServer, startNats } from '../support/nats-server.js'

const SOURCE = 'examples/orders'
const COMPILED = '.cache/orders-test'

let server: NatsServer

beforeAll(async () => {
  const entryPoints = readdirSync(SOURCE).filter(file => file.endsWith('.ts'))
  buildSync({ entryPoints: entryPoints.map(file => `${SOURCE}/${file}`), outdir: COMPILED, format: 'esm' })
  server = await startNats()
})

afterAll(() => server.stop())

async function run(...args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [`${COMPILED}/main.js`, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL')) // its services end with it
  const code = new Promise<number | null>(resolve => child.once('exit', resolve))
  const [ended, stdout, stderr] = await Promise.all([code, text(child.stdout), text(child.stderr)])
  return { code: ended, stdout, stderr }
}

describe('orders', () => {
  it('bills and ships each once although billing is killed', { timeout: 40_000 }, async () => {
    const { code, stdout, stderr } = await run(server.address, '--orders', '300', '--json')

    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({
      orders: 300,
      killed: { role: 'billing', entries: expect.toSatisfy((entries: number) => entries >= 75 && entries < 300) },
      ledgers: [
        { role: 'billing', entries: 300, orders: 300 },
        { role: 'shipping', entries: 300, orders: 300 },
      ],
    })
    expect(code).toBe(0)
  })
})
