import type { Metadata, Node } from '../registry/index.js'

/** Whether two records tell the same of a node: its address and its labels. */
export function sameNode(first: Node, second: Node | undefined): boolean {
  if (first === second) return true
  return second !== undefined && first.address === second.address && sameLabels(first.metadata, second.metadata)
}

function sameLabels(first: Metadata, second: Metadata): boolean {
  const names = Object.keys(first)
  return names.length === Object.keys(second).length && names.every(name => first[name] === second[name])
}
