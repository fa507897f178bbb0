import { websocket } from 'millrace/transport/websocket'
import { SocketRig } from './socket-rig.js'
import { testPoints } from './test-points.js'

testPoints('websocket', (options, network) => new SocketRig({ transport: websocket }, options, network))
