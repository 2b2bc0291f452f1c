// tap's reporter without a terminal (CI, a log file): one line for each test file, and the whole output of a file that
// failed. tap's own reporters redraw the screen, and with CI and --output-file they lose the reasons of a failure. This
// one also writes the raw TAP stream to a file, because with a custom reporter --output-file prints everything twice.
import { appendFileSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { Transform } from 'node:stream'

/** The file with the TAP stream of the whole run. */
export const TAP_OUTPUT = '.tap/all.tap'

export default class PlainReporter extends Transform {
  #unfinishedLine = ''
  #linesOfFile = []
  #isInDiagnosis = false

  constructor() {
    super()
    mkdirSync(dirname(TAP_OUTPUT), { recursive: true })
  }

  _transform(chunk, _encoding, done) {
    appendFileSync(TAP_OUTPUT, chunk)
    const lines = (this.#unfinishedLine + chunk).split('\n')
    this.#unfinishedLine = lines.pop()
    for (const line of lines) this.#take(line)
    done()
  }

  _flush(done) {
    this.#take(this.#unfinishedLine)
    done()
  }

  /** A file's own lines are indented and come first; then, at the left margin, its verdict and perhaps a diagnosis. */
  #take(line) {
    if (this.#isInDiagnosis) {
      this.push(`${line}\n`)
      this.#isInDiagnosis = line !== '  ...'
    } else if (line.startsWith('not ok ')) {
      this.push(`${[...this.#linesOfFile, line].join('\n')}\n`)
      this.#linesOfFile = []
    } else if (line.startsWith('ok ') || line.startsWith('Bail out!')) {
      this.push(`${line}\n`)
      this.#linesOfFile = []
    } else if (line === '  ---') {
      this.push(`${line}\n`)
      this.#isInDiagnosis = true
    } else if (line !== '') {
      this.#linesOfFile.push(line)
    }
  }
}
