// What the checks of registries are written with, for specs of one registry.
export * from '../../src/testing/compliance/registry/answer-of.js'
export * from '../../src/testing/compliance/registry/instances.js'
export * from '../../src/testing/compliance/registry/registering.js'
export * from '../../src/testing/compliance/registry/watching.js'
