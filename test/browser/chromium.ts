import { existsSync } from 'node:fs'
import { type Browser, chromium, type Locator, type Page } from 'playwright-core'
import tap, { type Test } from 'tap'

/** Where Debian's package puts it, unless told otherwise. */
const path = process.env['CHROMIUM_PATH'] || '/usr/bin/chromium'

/** For all the tests of a file. */
const timeoutMs = 300_000

/** What would ask other hosts by itself, and what a machine without a screen lacks. */
const args = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Starts Chromium for the tests of a file. Without one the whole run ends there, as failed: nothing is skipped. */
export async function startChromium(): Promise<Browser> {
  tap.setTimeout(timeoutMs)
  if (!existsSync(path)) {
    tap.bailout(
      `there is no Chromium at ${path}: install one (apt-get install --no-install-recommends chromium), or name one in CHROMIUM_PATH`,
    )
  }
  // Its own sandbox needs a user who is not root.
  const browser = await chromium.launch({ executablePath: path, args, chromiumSandbox: process.getuid?.() !== 0 })
  tap.teardown(() => browser.close())
  return browser
}

/** A page, and what is wrong with it: it is to be empty. */
export interface WatchedPage {
  readonly page: Page
  /** What the console says is an error, what the page throws, what breaks its CSP, and requests to other hosts. */
  readonly faults: string[]
}

/** Opens a page of its own profile, which ends with the test. It asks nobody but `origins`, or that is a fault. */
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

/** Whether a person sees the middle of an element without scrolling. */
export function isInSight(locator: Locator): Promise<boolean> {
  return locator.evaluate((element) => {
    const { x, y, width, height } = element.getBoundingClientRect()
    return element.contains(element.ownerDocument.elementFromPoint(x + width / 2, y + height / 2))
  })
}

/** What a property of its style has come to, by all that is applied. */
export function styleOf(locator: Locator, property: string): Promise<string> {
  return locator.evaluate(
    (element, name) => element.ownerDocument.defaultView.getComputedStyle(element).getPropertyValue(name),
    property,
  )
}
