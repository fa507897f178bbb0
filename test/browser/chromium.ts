import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { tmpdir } from 'node:os'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

/** Path of a Chromium of this machine: the environment's CHROMIUM (empty for none), or the first on the PATH. */
export function findChromium(): string | undefined {
  const { CHROMIUM, PATH = '' } = process.env
  if (CHROMIUM !== undefined) return CHROMIUM === '' ? undefined : CHROMIUM
  return PATH.split(delimiter)
    .flatMap(folder => NAMES.map(name => join(folder, name)))
    .find(isProgram)
}

/** Opens a page without a window and gives what ends the browser, with all its processes. */
export function openPage(chromium: string, url: string): () => Promise<void> {
  const profile = mkdtempSync(join(tmpdir(), 'millrace-chromium-'))
  const args = [
    '--headless=new',
    `--user-data-dir=${profile}`,
    '--no-first-run',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-extensions',
    '--disable-sync',
    '--no-proxy-server',
    // Its sandbox does not run as root.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    url,
  ]
  const browser = spawn(chromium, args, { detached: true, stdio: 'ignore' }) // detached: a group of its own
  browser.on('error', () => {}) // told below
  const clear = (): void => rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  const { pid } = browser
  if (pid === undefined) {
    clear()
    throw new Error(`${chromium} cannot be started`)
  }
  return async () => {
    if (browser.exitCode === null) {
      const ended = once(browser, 'exit')
      process.kill(-pid, 'SIGKILL')
      await ended
    }
    clear()
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false // not there, or not for us
  }
}
