import type { Locator, Page } from 'playwright-core'

/** A response as Swagger UI shows it. */
export interface ShownAnswer {
  readonly status: number
  /** Parsed from the JSON shown. */
  readonly body: Record<string, unknown>
}

/** The documentation as a person uses it. */
export class SwaggerPage {
  readonly operations: Locator
  readonly authorizations: Locator

  constructor(readonly page: Page) {
    this.operations = page.locator('.opblock')
    this.authorizations = page.locator('.auth-container:visible')
  }

  async open(origin: string): Promise<void> {
    await this.page.goto(`${origin}/docs`)
    await this.operations.first().waitFor()
  }

  /** Every listed operation, as `GET /products/{sku}/stock`. */
  async listed(): Promise<string[]> {
    const summaries = await this.operations.locator('.opblock-summary-control').all()
    return Promise.all(
      summaries.map(async (summary) => {
        const method = await summary.locator('.opblock-summary-method').textContent()
        const path = await summary.locator('.opblock-summary-path').getAttribute('data-path')
        return `${method} ${path}`
      }),
    )
  }

  async openAuthorizations(): Promise<void> {
    await this.page.getByRole('button', { name: 'Authorize' }).first().click()
  }

  async closeAuthorizations(): Promise<void> {
    await this.page.locator('.close-modal').click()
  }

  /** Enters a key for the security scheme of this name, until {@link logOut}. */
  async authorize(scheme: string, key: string): Promise<void> {
    await this.openAuthorizations()
    const way = this.#way(scheme)
    await way.locator('input').fill(key)
    await way.getByRole('button', { name: 'Apply credentials' }).click()
    await this.closeAuthorizations()
  }

  async logOut(scheme: string): Promise<void> {
    await this.openAuthorizations()
    await this.#way(scheme).getByRole('button', { name: 'Remove authorization' }).click()
    await this.closeAuthorizations()
  }

  /** Executes an operation, such as `GET /products/{sku}/stock`, with the current input. */
  async tryOut(operation: string): Promise<ShownAnswer> {
    const block = this.#block(operation)
    const summary = block.locator('.opblock-summary-control')
    await summary.click()
    await block.getByRole('button', { name: 'Execute' }).click()
    const answer = block.locator('.live-responses-table tbody tr')
    const status = await answer.locator('.response-col_status').textContent()
    const body = await answer.locator('.highlight-code code').first().textContent()
    // Otherwise the next call would read this response.
    await block.getByRole('button', { name: 'Clear' }).click()
    await summary.click()
    return { status: Number.parseInt(status ?? '', 10), body: JSON.parse(body ?? '') }
  }

  /** The height of an operation when expanded. Collapses it again. */
  async heightOf(operation: string): Promise<number> {
    const block = this.#block(operation)
    const summary = block.locator('.opblock-summary-control')
    await summary.click()
    await block.locator('.responses-table').first().waitFor()
    const { height = 0 } = (await block.boundingBox()) ?? {}
    await summary.click()
    return height
  }

  #block(operation: string): Locator {
    const [method = '', path = ''] = operation.split(' ')
    return this.page.locator(`.opblock-${method.toLowerCase()}`).filter({
      has: this.page.locator(`[data-path="${path}"]`),
    })
  }

  #way(scheme: string): Locator {
    return this.authorizations.filter({ has: this.page.locator('h4 code').getByText(scheme, { exact: true }) })
  }
}
