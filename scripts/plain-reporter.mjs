// How tap reports where nobody watches a terminal (CI, a log file): a line for each test file, and for a file that
// failed everything that it said. tap's own reporters redraw the screen there, and with CI set and --output-file
// beside them they lose the reasons of a failure. The raw stream is kept here too: beside a reporter of one's own,
// --output-file prints everything twice.
import { appendFileSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { Transform } from 'node:stream'

/** Where the whole run is kept as TAP, whoever reports it. */
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
