import { readFileSync } from 'node:fs'
import type { Locator, Page } from 'playwright-core'

const axeSource = readFileSync(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8')

/** The page for people as a person uses it. */
export class UiPage {
  readonly search: Locator
  readonly suggestions: Locator
  readonly available: Locator
  readonly alert: Locator

  constructor(
    readonly page: Page,
    readonly base: string,
  ) {
    this.search = page.getByRole('combobox', { name: 'SKU, GTIN or name' })
    this.suggestions = page.getByRole('listbox').getByRole('option')
    this.available = page.locator('.big')
    this.alert = page.getByRole('alert')
  }

  /** Opens a view, such as `#/low`, in a new document. */
  async open(view = ''): Promise<void> {
    await this.page.goto('about:blank')
    await this.page.goto(`${this.base}/ui${view}`)
  }

  async enterKey(key: string): Promise<void> {
    await this.page.getByLabel('API key').fill(key)
    await this.page.getByRole('button', { name: 'Continue' }).click()
  }

  /** Opens the stock of a SKU, and waits for it and for its changes to be followed. */
  async openStock(sku: string, more = ''): Promise<void> {
    await this.open(`#/stock?sku=${encodeURIComponent(sku)}${more}`)
    await this.page.getByText('● Live').waitFor()
  }

  /** The section under a heading. */
  section(name: string): Locator {
    return this.page.getByRole('region', { name, exact: true })
  }

  /** What axe-core finds wrong with the page as it is, a line for each rule. */
  async violations(): Promise<string[]> {
    // By the debugger, which no CSP restricts.
    await this.page.evaluate(`${axeSource};0`)
    const found = await this.page.evaluate<{ id: string; nodes: { html: string }[] }[]>(
      'axe.run().then(({ violations }) => violations)',
    )
    return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
  }

  /** Whether the page is wider than the window. */
  overflows(): Promise<boolean> {
    return this.page.evaluate('document.documentElement.scrollWidth > window.innerWidth')
  }
}
