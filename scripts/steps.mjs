// Runs the steps of a gate: one line a step with its duration, and the output of those that fail.
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'

/**
 * @typedef {object} Step
 * @property {string} name What is checked.
 * @property {readonly string[]} command Program and arguments; run in the current folder.
 */

/**
 * Runs the steps, as many at once as there are cores, and reports them in their order.
 *
 * @param {readonly Step[]} steps
 * @returns {Promise<{ passed: number, failed: number }>}
 */
export async function runSteps(steps) {
  const counts = { passed: 0, failed: 0 }
  const waiting = [...steps]
  /** @type {Map<Step, (result: Result) => void>} */
  const settle = new Map()
  const results = steps.map(step => new Promise(resolve => settle.set(step, resolve)))
  const worker = async () => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) settle.get(step)?.(await run(step))
  }
  const workers = Array.from({ length: Math.min(availableParallelism(), steps.length) }, worker)
  for (const [index, step] of steps.entries()) {
    const { ok, output, seconds } = /** @type {Result} */ (await results[index])
    console.log(`${ok ? '✓' : '✗'} ${step.name.padEnd(12)} ${seconds.toFixed(1)} s`)
    if (!ok) console.log(output.trimEnd().replace(/^(?=.)/gm, '    '))
    counts[ok ? 'passed' : 'failed']++
  }
  await Promise.all(workers)
  return counts
}

/** @typedef {{ ok: boolean, output: string, seconds: number }} Result */

/**
 * @param {Step} step
 * @returns {Promise<Result>}
 */
function run({ command: [program = '', ...args] }) {
  return new Promise(resolve => {
    const start = performance.now()
    let output = ''
    const done = (/** @type {boolean} */ ok) => resolve({ ok, output, seconds: (performance.now() - start) / 1000 })
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.setEncoding('utf8').on('data', text => (output += text))
    child.stderr.setEncoding('utf8').on('data', text => (output += text))
    child.on('error', error => {
      output += `${error.message}\n`
      done(false)
    })
    child.on('close', status => done(status === 0))
  })
}
