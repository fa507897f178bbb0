import { join } from 'node:path'
import { actor, contract } from 'millrace'
import { OrderBilled } from './contracts.js'
import { fulfil } from './fulfil.js'
import { serve, settings } from './serve.js'

const { broker, folder } = settings()

serve(actor(contract('billing', {}), {}, fulfil(join(folder, 'billing'), OrderBilled)), broker)
