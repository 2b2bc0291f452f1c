import { readConfig } from './config/config.js'
import { configWarnings } from './config/warnings.js'
import { run } from './lifecycle.js'

run(async (lifecycle) => lifecycle.startService(readConfig(process.env), configWarnings(process.env)))
