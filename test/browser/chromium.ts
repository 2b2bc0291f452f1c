import { existsSync } from 'node:fs'
import { type Browser, chromium, type Locator, type Page } from 'playwright-core'
import tap, { type Test } from 'tap'

/** The path of Debian's package, unless `CHROMIUM_PATH` is set. */
const path = process.env['CHROMIUM_PATH'] || '/usr/bin/chromium'

/** Shared by all tests of a file. */
const timeoutMs = 300_000

/** Turns off requests of Chromium itself, and features that need a screen. */
const args = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Starts Chromium for the tests of a file. If there is none, the run fails: nothing is skipped. */
export async function startChromium(): Promise<Browser> {
  tap.setTimeout(timeoutMs)
  if (!existsSync(path)) {
    tap.bailout(
      `there is no Chromium at ${path}: install one (apt-get install --no-install-recommends chromium), or name one in CHROMIUM_PATH`,
    )
  }
  // Chromium's sandbox does not run as root.
  const browser = await chromium.launch({ executablePath: path, args, chromiumSandbox: process.getuid?.() !== 0 })
  tap.teardown(() => browser.close())
  return browser
}

/** A page, and everything that went wrong on it. */
export interface WatchedPage {
  readonly page: Page
  /** Console errors, uncaught exceptions, violations of the CSP, and requests to other hosts. */
  readonly faults: string[]
}

/**
 * Opens a page with a profile of its own, which ends with the test. A request to a host other than `origins` is a
 * fault.
 */
export async function openPage(t: Test, browser: Browser, ...origins: readonly string[]): Promise<WatchedPage> {
  const context = await browser.newContext()
  t.teardown(() => context.close())
  const page = await context.newPage()
  const faults: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(`${message.text()} (${message.location().url})`)
  })
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url())
    if (protocol.startsWith('http') && !origins.includes(origin)) faults.push(`asks ${request.url()}`)
  })
  await page.addInitScript(`document.addEventListener('securitypolicyviolation', (event) => {
    console.error('breaks', event.effectiveDirective, 'by', event.blockedURI)
  })`)
  return { page, faults }
}

/** Whether the middle of an element is visible without scrolling. */
export function isInSight(locator: Locator): Promise<boolean> {
  return locator.evaluate((element) => {
    const { x, y, width, height } = element.getBoundingClientRect()
    return element.contains(element.ownerDocument.elementFromPoint(x + width / 2, y + height / 2))
  })
}

/** The computed value of a CSS property. */
export function styleOf(locator: Locator, property: string): Promise<string> {
  return locator.evaluate(
    (element, name) => element.ownerDocument.defaultView?.getComputedStyle(element).getPropertyValue(name) ?? '',
    property,
  )
}
