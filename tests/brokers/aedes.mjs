// SPDX-License-Identifier: Apache-2.0
// An aedes broker on 127.0.0.1: node aedes.mjs FOLDER-OF-NODE_MODULES PORT
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { pathToFileURL } from 'node:url'

const [folder, port] = process.argv.slice(2)
const found = createRequire(pathToFileURL(folder + '/')).resolve('aedes')
const { Aedes } = await import(pathToFileURL(found))
const broker = Aedes.createBroker ? await Aedes.createBroker() : new Aedes()
createServer(broker.handle).listen(Number(port), '127.0.0.1')
