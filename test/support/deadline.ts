/** Waits for `promise`; fails after `ms`, naming what did not come. */
export function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} did not come within ${ms} ms`)), ms)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** Waits until `condition` holds, asking once a turn; fails after `ms`, naming what was waited for. */
export async function eventually(condition: () => boolean, ms: number, what: string): Promise<void> {
  const deadline = performance.now() + ms
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`${what} did not come within ${ms} ms`)
    await turn()
  }
}

/** Lets everything that is ready run: one turn of the event loop, I/O among it. */
export function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/** Lets `count` turns of the event loop pass. */
export async function turns(count: number): Promise<void> {
  for (let index = 0; index < count; index++) await turn()
}

/** Waits until `ask` gives true, asking every 20 ms; fails after `ms`, naming what was waited for. */
export async function becomes(ask: () => Promise<boolean>, ms: number, what: string): Promise<void> {
  const deadline = performance.now() + ms
  while (!(await ask())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come within ${ms} ms`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
