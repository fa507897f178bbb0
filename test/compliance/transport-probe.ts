// What the checks of transports are written with, for specs of one transport.
export * from '../../src/testing/compliance/transport/connect.js'
export * from '../../src/testing/compliance/transport/frames.js'
export * from '../../src/testing/compliance/transport/inbox.js'
