import { tcp } from 'millrace/transport/tcp'
import { SocketRig } from './socket-rig.js'
import { testPoints } from './test-points.js'

testPoints('tcp', (options, network) => new SocketRig({ transport: tcp }, options, network))
