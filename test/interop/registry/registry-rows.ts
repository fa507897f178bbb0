import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Row } from '../row.js'
import { buildGoPeer } from './go-tools.js'
import { ownNetwork, runRegistry } from './run-registry.js'

/** All rows with go-micro: over etcd, and over mdns where it can be kept from other machines. */
export async function registryRows(onRow: (row: Row) => void): Promise<readonly Row[]> {
  const program = buildGoPeer()
  return [...(await runRegistry({ program, engine: 'etcd', onRow })), ...(await mdnsRows(program, onRow))]
}

async function mdnsRows(program: string, onRow: (row: Row) => void): Promise<readonly Row[]> {
  const network = ownNetwork()
  if (network === undefined) {
    const reason = 'its multicast would reach other machines: root gets a network of its own for it'
    const skipped: Row = {
      peer: 'go-micro',
      role: 'registers',
      transport: 'mdns',
      feature: 'all',
      result: 'skipped',
      reason,
      ms: 0,
    }
    onRow(skipped)
    return [skipped]
  }
  const [command = '', ...args] = network
  const main = fileURLToPath(new URL('mdns-main.js', import.meta.url))
  const child = spawn(command, [...args, process.execPath, main, program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const rows: Row[] = []
  for await (const line of createInterface(child.stdout)) {
    const row = JSON.parse(line) as Row
    rows.push(row)
    onRow(row)
  }
  return rows
}
