import { join } from 'node:path'
import { actor, contract } from 'millrace'
import { OrderShipped } from './contracts.js'
import { fulfil } from './fulfil.js'
import { serve, settings } from './serve.js'

const { broker, folder } = settings()

serve(actor(contract('shipping', {}), {}, fulfil(join(folder, 'shipping'), OrderShipped)), broker)
