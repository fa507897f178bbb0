import { ensureServer, etcdProgram, natsProgram } from './find-server.js'

/**
 * Makes sure that there are the servers of other projects that specs start. Where one cannot be had the run goes on: the
 * specs that need it fail, and say what to install.
 */
export default function servers(): void {
  for (const program of [etcdProgram, natsProgram]) {
    try {
      ensureServer(program)
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    }
  }
}
