import { MessageChannel } from 'node:worker_threads'
import type { Subject, TransportCapability, TransportSetup } from 'millrace/testing/compliance'
import { portTransport } from './port-transport.js'

/** `portTransport` as its compliance suite wants it: both ends of a link, and how many ports are open. */
export const portSubject: Subject<TransportSetup, TransportCapability> = {
  name: 'portTransport',
  setup: () => {
    const link = new MessageChannel()
    const [here, there] = [portTransport(link.port1), portTransport(link.port2)]
    return {
      transport: { name: here.name, dial: address => here.dial(address), listen: address => there.listen(address) },
      anyAddress: 'port:',
      deadAddress: 'port:nobody',
      invalidAddresses: ['', 'words', 'tcp:1'],
      openResources: () => process.getActiveResourcesInfo().filter(kind => kind === 'MessagePort').length,
      close: () => link.port1.close(),
    }
  },
}
