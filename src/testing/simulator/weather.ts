import { distinctUntilChanged, map, Observable, Subject } from 'rxjs'
import type { MemoryLinkState } from '../../transport/index.js'
import type { Fault } from './fault.js'

/** A connection between two processes, or a process and what it is served by. */
interface LivePath {
  readonly ends: readonly [string, string]
  /** What became of it for good. */
  fate: 'lost' | 'frozen' | undefined
  tell: (state: MemoryLinkState) => void
}

/** How much longer everything takes on a slow link. */
const SLOW_LINK = 20

/** The condition of the network: which links are cut, slow, or broken. */
export class Weather {
  private readonly active: Set<Fault>
  private readonly paths: Set<LivePath>
  private readonly changes: Subject<void>
  /** Processes whose machines are off. */
  private readonly dark: Set<string>

  constructor() {
    this.dark = new Set()
    this.active = new Set()
    this.paths = new Set()
    this.changes = new Subject()
  }

  /** A fault of links begins. */
  begin(fault: Fault): void {
    if (fault.kind === 'reset') return this.breakAll(path => touches(fault, path.ends), 'lost')
    this.active.add(fault)
    this.refresh()
  }

  /** It is over. */
  end(fault: Fault): void {
    if (this.active.delete(fault)) this.refresh()
  }

  /** Ends all connections of a process: `lost` tells the other ends, `frozen` tells nobody. */
  breakOff(process: string, fate: 'lost' | 'frozen'): void {
    this.breakAll(({ ends }) => ends.includes(process), fate)
  }

  /** Turns the machine of a process off: nobody answers there, and nobody is told. Or on: it knows no connection. */
  setDark(process: string, isDark: boolean): void {
    this.breakOff(process, isDark ? 'frozen' : 'lost')
    if (isDark) this.dark.add(process)
    else this.dark.delete(process)
    this.refresh()
  }

  /** The condition of one connection, from now until it is unsubscribed. */
  connection(a: string, b: string): Observable<MemoryLinkState> {
    return new Observable(subscriber => {
      const path: LivePath = { ends: [a, b], fate: undefined, tell: state => subscriber.next(state) }
      this.paths.add(path)
      subscriber.add(() => this.paths.delete(path))
      this.refreshPath(path)
    })
  }

  /** Whether anything passes between two, now and whenever that changes. */
  passable(a: string, b: string): Observable<boolean> {
    return new Observable<void>(subscriber => {
      subscriber.add(this.changes.subscribe(subscriber))
      subscriber.next()
    }).pipe(
      map(() => !this.isCut([a, b])),
      distinctUntilChanged(),
    )
  }

  /** By how much everything takes longer between two. */
  slowness(a: string, b: string): number {
    for (const fault of this.active) if (fault.kind === 'slowLink' && touches(fault, [a, b])) return SLOW_LINK
    return 1
  }

  private breakAll(which: (path: LivePath) => boolean, fate: 'lost' | 'frozen'): void {
    for (const path of [...this.paths].filter(which)) {
      path.fate = fate
      path.tell(fate)
    }
  }

  private refresh(): void {
    for (const path of [...this.paths]) this.refreshPath(path)
    this.changes.next()
  }

  private refreshPath(path: LivePath): void {
    if (path.fate === undefined) path.tell(this.isCut(path.ends) ? 'frozen' : 'up')
  }

  private isCut(ends: readonly [string, string]): boolean {
    if (ends.some(end => this.dark.has(end))) return true
    for (const fault of this.active) if (fault.kind === 'partition' && touches(fault, ends)) return true
    return false
  }
}

/** Whether `name` is `target`, or one of its instances: `orders-1` of `orders`. Everybody is of `*`. */
export function isOf(target: string, name: string): boolean {
  return target === '*' || name === target || name.startsWith(`${target}-`)
}

function touches({ targets: [one = '', other = ''] }: Fault, [a, b]: readonly [string, string]): boolean {
  return (isOf(one, a) && isOf(other, b)) || (isOf(one, b) && isOf(other, a))
}
