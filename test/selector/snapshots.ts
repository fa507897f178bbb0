// What the checks of selectors are written with, for specs of one selector.
export * from '../../src/testing/compliance/selector/snapshots.js'
