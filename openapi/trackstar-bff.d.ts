// Generated from openapi.json by "npm run openapi": do not edit. The types of a client of trackstar-bff, for
// openapi-fetch (`createClient<paths>`) or by themselves (`Stock`, `Problem`). This file needs nothing else.

export interface paths {
    "/livez": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Check liveness
         * @description 200 while the process runs. Use it as a liveness probe.
         */
        get: operations["getLiveness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Check readiness
         * @description 200 as soon as the service listens. 503 after Trackstar has rejected its credentials, until a call succeeds again, and during shutdown. The service stays ready while Trackstar is down, because it still answers from its cache. Use it as a readiness probe.
         */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Prometheus metrics
         * @description Metrics in the text format of Prometheus: calls to Trackstar by route, cause and outcome, permits, batch sizes, cache, mirror, event streams, circuit breaker, requests by route, status and name of the API key, and the process.
         */
        get: operations["getMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the service status
         * @description For each connection that the key may use: the mode, whether Trackstar accepts the credentials, the latest error, the webhooks, the progress of the mirror, the size and hit ratio of the cache, the use of the read rate, the state of the circuit breaker, and the state of Trackstar's own sync.
         */
        get: operations["getStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/products/{sku}/stock": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get stock for a SKU
         * @description Returns how many units of a SKU can be sold and in which warehouses they are: the product joined with its inventory items. The stock of a plain product is the sum of its items. The stock of a kit is what its scarcest component allows; `limiting` names that component. Sell by `available`. `complete` and `issues` report problems in the data behind it, `as_of` and `stale` how old it is, and `source` when Trackstar last copied the inventory from the warehouse system. The stock of a group is the sum over its connections; `connections` says what each of them has.
         */
        get: operations["getStock"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/stock": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get stock for several SKUs
         * @description Returns one entry for each distinct SKU, in the order of the request. A SKU that is unknown, ambiguous or unavailable has a `problem` in place of its `stock` and does not affect the others. The request as a whole fails only if it is invalid, or if Trackstar is down and none of the SKUs is cached. The stock of a group is the sum over its connections. Takes up to 100 SKUs. For more of them, or long ones, use `POST /stock/query`.
         */
        get: operations["listStock"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/stock/query": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get stock for many SKUs
         * @description Returns one entry for each distinct SKU, in the order of the request. A SKU that is unknown, ambiguous or unavailable has a `problem` in place of its `stock` and does not affect the others. The request as a whole fails only if it is invalid, or if Trackstar is down and none of the SKUs is cached. The stock of a group is the sum over its connections. Takes up to 1000 SKUs. It is a POST because they do not fit in a URL; it changes nothing.
         */
        post: operations["queryStock"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/stock/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Check a basket
         * @description Returns whether up to 200 lines can be shipped together. Kits and plain products that use the same item share its units, so lines that are available one by one may not be available together: six gongfu sets need 24 cups, and 20 more cups make 44, but there are only 40. `fulfillable` is the answer for the basket, `shortages` lists the missing items, and `lines` says what each line could have on its own. If a line is unknown or ambiguous it has a `problem`, and the basket is not fulfillable. A check does not reserve stock. A group is fulfillable if one of its connections can ship the whole basket; `connections` has the reply of each.
         */
        post: operations["checkBasket"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/stock/low": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List low stock
         * @description Returns every SKU with less than `below` available, lowest first, a page at a time. A kit counts as many as its scarcest component allows. An unknown quantity counts as 0; `complete` in the stock of the SKU tells whether one is involved. The page token marks a position in the order, so a SKU whose stock does not change between two pages is neither skipped nor repeated. In a group, a SKU is listed by the sum over its connections, each of which needs its mirror; one that several merchants share in a connection is listed for each merchant. Makes no call to Trackstar. Needs `CATALOG_MODE=mirror`.
         */
        get: operations["listLowStock"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/stock/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Stream stock changes
         * @description Sends server-sent events until the client disconnects:
         *
         *     - `stock`, with JSON in `data`, for each SKU whose stock changed, including kits whose component changed.
         *     - `reset`, first after a reconnect, if missed events are no longer buffered: read the stock again.
         *     - A comment every 15 s, which keeps the connection open and which clients skip.
         *
         *     A client that reconnects with `Last-Event-ID` first gets the events it missed, out of the last 10,000. A client that
         *     reads too slowly is disconnected and can resume in the same way.
         *
         *     With the name of a group as `connection`, the stream has the events of all of its connections. Each event names its
         *     `connection` and has the numbers of that connection alone.
         *
         *     A browser's `EventSource` cannot send a key. Pass a ticket instead. A ticket works once, so after an error open a new
         *     stream with a new ticket.
         *
         *     ```js
         *     async function follow() {
         *       const answer = await fetch('/stock/events/tickets', { method: 'POST', headers: { 'X-API-Key': key } })
         *       const { ticket } = await answer.json()
         *       const events = new EventSource('/stock/events?sku=LIVE-JASMINE&sku=LIVE-GIFT&ticket=' + ticket)
         *       events.addEventListener('stock', (event) => {
         *         const { sku, available } = JSON.parse(event.data)
         *         show(sku, available)
         *       })
         *       events.addEventListener('open', readStock) // once the stream is open, so that no change is missed
         *       events.addEventListener('error', () => {
         *         events.close()
         *         setTimeout(follow, 2000)
         *       })
         *     }
         *     ```
         *
         *     Without keys (`AUTH_MODE=none`) no ticket is needed. `EventSource` then reconnects by itself with `Last-Event-ID`, and
         *     may receive `reset`.
         *
         *     Needs `CATALOG_MODE=mirror`, in a group for every connection. Swagger UI shows a response only when it has ended, so it cannot show a stream; use
         *     `curl -N`.
         */
        get: operations["streamStockEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/stock/events/tickets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create an event ticket
         * @description Returns a ticket that replaces the key in `GET /stock/events?ticket=`. Use it in browsers: their `EventSource` cannot send a key, and a key in a URL would end up in histories and logs. The ticket works once, within a minute, and for no other route. It is for the connections and groups of the key or, if the request names one, for that one.
         */
        post: operations["createEventTicket"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/products": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List products
         * @description Returns one page of Trackstar's own list, with Trackstar's filters and paging. Every page is read from Trackstar and counts towards the rate limit that all clients share; for stock, use the stock routes. Repeat the filters with every page: the page token does not contain them. Malformed records are omitted. A filter is `field[operator]=value`; `field=value` is short for `field[eq]=value`.
         */
        get: operations["listProducts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/products/{sku}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a product by SKU
         * @description Returns the whole record from Trackstar, including fields that this service does not use. If several merchants share the SKU, choose one with `warehouse_customer_id`.
         */
        get: operations["getProduct"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Search products
         * @description Returns at most 20 products whose SKU, GTIN or name has the text, in upper or lower case. Exact matches come before prefixes, and prefixes before other matches; among these, a SKU comes before a GTIN, and a GTIN before a name. Use it for suggestions while a person types. Makes no call to Trackstar. Needs `CATALOG_MODE=mirror`.
         */
        get: operations["searchProducts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/inventory": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List inventory items
         * @description Returns one page of Trackstar's own list, with Trackstar's filters and paging. Every page is read from Trackstar and counts towards the rate limit that all clients share; for stock, use the stock routes. Repeat the filters with every page: the page token does not contain them. Malformed records are omitted. A filter is `field[operator]=value`; `field=value` is short for `field[eq]=value`.
         */
        get: operations["listInventory"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/inventory/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get an inventory item
         * @description Returns the whole record from Trackstar, including fields that this service does not use.
         */
        get: operations["getInventoryItem"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/inventory/{id}/products": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List products of an item
         * @description Returns the products and kits that use one inventory item, and how many units of it each needs, sorted by SKU, then product id. Use it to find what changes when the item does. Makes no call to Trackstar. Needs `CATALOG_MODE=mirror`.
         */
        get: operations["listProductsOfInventoryItem"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/inventory/{id}/adjust": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Adjust an inventory item
         * @description Adds units to an item in the warehouse system behind Trackstar, or removes them. The change is immediate; to undo it, send the opposite adjustment. Returns the item after the change. The next stock reflects it, and `/stock/events` reports it. Send an `Idempotency-Key` of your own: if you get no response, or an error that leaves open whether the adjustment was made, repeat the request with the same key and it is not made twice. A repeated response has `Idempotent-Replayed: true`. Without a key the service generates one and returns it, but a client that gets no response cannot know it.
         */
        put: operations["adjustInventoryItem"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/warehouses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List warehouses
         * @description Returns one page of Trackstar's own list, with Trackstar's filters and paging. Every page is read from Trackstar and counts towards the rate limit that all clients share; for stock, use the stock routes. Repeat the filters with every page: the page token does not contain them. Malformed records are omitted.
         */
        get: operations["listWarehouses"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/warehouses/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a warehouse
         * @description Returns the whole record from Trackstar, including fields that this service does not use. Warehouses are cached for up to 12 hours, because Trackstar copies them no more often than that.
         */
        get: operations["getWarehouse"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/connections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List connections
         * @description Returns the connections and groups that the API key may use: the values of `connection` that other requests take. Makes no call to Trackstar.
         */
        get: operations["listConnections"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/webhooks/trackstar": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Receive a webhook
         * @description Receives webhooks from Trackstar. Register this URL with Trackstar and set `TRACKSTAR_WEBHOOK_SECRET` to the secret that it shows; without a secret the route does not exist. A changed product, item or warehouse replaces the cached one if it is newer, so that the next stock request and `/stock/events` show it. A finished sync, an error of the connection or a schedule that is stuck appears in `source` and in `/status`. Svix sends the deliveries: the signature covers the unmodified body and is valid for five minutes. Its headers have the names of Svix, or those of Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature`). Deliveries that were received before, or belong to another connection, get 204 and change nothing, because Svix retries rejected deliveries.
         */
        post: operations["receiveWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Any error (RFC 9457) */
        Problem: {
            /** @description Where the code is documented: a reference to resolve against the URL of the request, or absolute if `PUBLIC_URL` is set; `about:blank` for a request that could not be read */
            type: string;
            /** @description The meaning of the code; always the same for one code */
            title: string;
            /** @description The HTTP status */
            status: number;
            /** @description What is wrong with this request, or what to do */
            detail: string;
            /**
             * @description A stable, machine-readable code. New codes may be added: handle an unknown one by its `status`
             * @enum {string}
             */
            code: "validation_failed" | "connection_required" | "unauthorized" | "forbidden" | "product_not_found" | "inventory_item_not_found" | "warehouse_not_found" | "connection_not_found" | "route_not_found" | "method_not_allowed" | "not_acceptable" | "request_timeout" | "sku_ambiguous" | "idempotency_conflict" | "content_too_large" | "uri_too_long" | "unsupported_media_type" | "misdirected_request" | "upstream_rejected" | "rate_limited" | "headers_too_large" | "internal_error" | "not_supported_by_integration" | "requires_mirror" | "upstream_invalid_response" | "upstream_auth_failed" | "upstream_unavailable" | "mirror_loading" | "overloaded" | "upstream_timeout" | "not_cached";
            /** @description Identifies the request in the logs; also sent as `X-Request-Id` */
            request_id: string;
            /** @description validation_failed: the invalid fields */
            errors?: components["schemas"]["FieldError"][];
            /** @description sku_ambiguous: the products that share the SKU */
            candidates?: components["schemas"]["Candidate"][];
            /** @description connection_required: the names to choose from */
            connections?: string[];
            /**
             * @description What rejected the request: Trackstar itself, or the warehouse system behind it
             * @enum {string}
             */
            origin?: "trackstar" | "integration";
            /** @description Seconds to wait before a retry */
            retry_after?: number;
        };
        /** @description A product, as Trackstar returns it. Fields pass through unchanged: any of them may be missing or have another type */
        Product: {
            /** @description Trackstar's id of the record */
            id: string;
            /** @description When the source system made the record */
            created_date?: string | null;
            /** @description When the source system last changed the record */
            updated_date?: string | null;
            /** @description When Trackstar first copied the record */
            trackstar_created_date?: string | null;
            /** @description When Trackstar's copy of the record last changed */
            trackstar_updated_date?: string | null;
            /** @description Tags: strings or objects of one key */
            trackstar_tags?: unknown[] | null;
            /** @description The merchant, if several share one warehouse system */
            warehouse_customer_id?: string | null;
            /** @description Name of the product */
            name?: string | null;
            /** @description SKU of the product; several products may share it */
            sku?: string | null;
            /** @description GTIN of the product */
            gtin?: string | null;
            /** @description Price of a unit, a number or a decimal string */
            unit_price?: unknown;
            /** @description The inventory items of the product; the components of a kit */
            inventory_items?: components["schemas"]["ProductReference"][] | null;
            /** @description Whether the product is assembled from components */
            is_kit?: boolean | null;
            /** @description Whether the product is active */
            active?: boolean | null;
        } & {
            [key: string]: unknown;
        };
        /** @description An inventory item, as Trackstar returns it. Fields pass through unchanged: any of them may be missing or have another type */
        InventoryItem: {
            /** @description Trackstar's id of the record */
            id: string;
            /** @description When the source system made the record */
            created_date?: string | null;
            /** @description When the source system last changed the record */
            updated_date?: string | null;
            /** @description When Trackstar first copied the record */
            trackstar_created_date?: string | null;
            /** @description When Trackstar's copy of the record last changed */
            trackstar_updated_date?: string | null;
            /** @description Tags: strings or objects of one key */
            trackstar_tags?: unknown[] | null;
            /** @description The merchant, if several share one warehouse system */
            warehouse_customer_id?: string | null;
            /** @description Name of the item */
            name?: string | null;
            /** @description SKU of the item; may differ from the SKU of the product */
            sku?: string | null;
            /** @description Whether the item is active */
            active?: boolean | null;
            /** @description Units in the warehouse: committed + unfulfillable + fulfillable, unless substitute SKUs are involved */
            onhand?: number | null;
            /** @description Allocated to orders */
            committed?: number | null;
            /** @description Damaged, quarantined or otherwise held back */
            unfulfillable?: number | null;
            /** @description Can be picked and shipped for orders; below zero when oversold */
            fulfillable?: number | null;
            /** @description Offered in sales channels */
            sellable?: number | null;
            /** @description Expected to arrive */
            awaiting?: number | null;
            /** @description SKUs that can be shipped instead */
            substitute_skus?: unknown[] | null;
            /** @description The same quantities for each warehouse, by warehouse id */
            inventory_by_warehouse_id?: {
                [key: string]: components["schemas"]["ItemQuantities"] | null;
            } | null;
            /** @description Its lots */
            lots?: components["schemas"]["Lot"][] | null;
            /** @description Its locations */
            locations?: components["schemas"]["ItemLocation"][] | null;
        } & {
            [key: string]: unknown;
        };
        /** @description A warehouse, as Trackstar returns it. Fields pass through unchanged: any of them may be missing or have another type */
        Warehouse: {
            /** @description Trackstar's id of the record */
            id: string;
            /** @description When the source system made the record */
            created_date?: string | null;
            /** @description When the source system last changed the record */
            updated_date?: string | null;
            /** @description When Trackstar first copied the record */
            trackstar_created_date?: string | null;
            /** @description When Trackstar's copy of the record last changed */
            trackstar_updated_date?: string | null;
            /** @description Tags: strings or objects of one key */
            trackstar_tags?: unknown[] | null;
            /** @description Name of the warehouse */
            name?: string | null;
            /** @description Code of the warehouse */
            code?: string | null;
            /** @description address1…3, city, state, country, … */
            address?: {
                [key: string]: unknown;
            } | null;
        } & {
            [key: string]: unknown;
        };
        /** @description Quantities; null if Trackstar states none, below zero when oversold */
        Quantities: {
            /** @description Units in the warehouse */
            onhand: number | null;
            /** @description Allocated to orders; null for a kit */
            committed: number | null;
            /** @description Damaged, quarantined or otherwise held back; null for a kit */
            unfulfillable: number | null;
            /** @description Can be picked and shipped for orders; an unknown quantity counts as 0 */
            fulfillable: number;
            /** @description Offered in sales channels */
            sellable: number | null;
            /** @description Expected to arrive; for a kit, how many more kits these units allow */
            awaiting: number | null;
        };
        /** @description What one warehouse can ship by itself */
        WarehouseStock: {
            /** @description Trackstar's id of the warehouse */
            warehouse_id: string;
            /** @description Name of the warehouse; null if unknown */
            name: string | null;
            /** @description Code of the warehouse; null if unknown */
            code: string | null;
            /** @description max(0, quantities.fulfillable) */
            available: number;
            quantities: components["schemas"]["Quantities"];
            /** @description In the stock of a group: the connection that the entry belongs to */
            connection?: string;
        };
        /** @description One inventory item that the product consists of */
        ComponentStock: {
            /** @description Trackstar's id of the item */
            inventory_item_id: string;
            /** @description SKU of the component: the one that the product gives the item, else the item's own */
            sku: string | null;
            /** @description Name of the item */
            name: string | null;
            /** @description Units of the item per unit of the product */
            unit_quantity: number;
            /** @description Whether the item is active; null if Trackstar does not say */
            active: boolean | null;
            /**
             * @description missing: Trackstar does not know the item that the product refers to
             * @enum {string}
             */
            status: "ok" | "missing";
            quantities: components["schemas"]["Quantities"];
            /** @description In the stock of a group: the connection that the entry belongs to */
            connection?: string;
        };
        /** @description A problem in the data behind the stock */
        StockIssue: {
            /**
             * @description What is wrong. New codes may be added; `complete` says whether they affect the numbers
             * @enum {string}
             */
            code: "no_inventory_items" | "inventory_item_missing" | "quantity_unknown" | "invalid_unit_quantity" | "invalid_reference" | "kit_flag_missing" | "merchant_mismatch" | "quantity_inconsistent" | "warehouse_unknown" | "upstream_sync_incomplete" | "warehouse_breakdown_missing" | "warehouse_breakdown_mismatch" | "connection_unanswered";
            /** @description The affected inventory item; null if the issue is not about one */
            inventory_item_id: string | null;
            /** @description A description of the issue */
            detail: string;
            /** @description In the stock of a group: the connection that the entry belongs to */
            connection?: string;
        };
        /** @description One lot of one inventory item */
        StockLot: {
            /** @description Trackstar's id of the item */
            inventory_item_id: string;
            /** @description Id of the lot */
            lot_id: string | null;
            /** @description Units of the lot */
            onhand: number | null;
            /** @description `YYYY-MM-DD` or a time in UTC, as Trackstar writes it */
            expiration_date: string | null;
            /** @description The warehouse of the lot */
            warehouse_id: string | null;
            /** @description In the stock of a group: the connection that the entry belongs to */
            connection?: string;
        };
        /** @description One location of an inventory item */
        StockLocation: {
            /** @description Trackstar's id of the item */
            inventory_item_id: string;
            /** @description Id of the location */
            location_id: string | null;
            /** @description Units at the location */
            quantity: number | null;
            /** @description The warehouse of the location */
            warehouse_id: string | null;
            /** @description In the stock of a group: the connection that the entry belongs to */
            connection?: string;
        };
        /** @description What one connection of a group has of a SKU */
        ConnectionStock: {
            /** @description The connection, by its name */
            connection: string;
            /**
             * @description not_found: it has no product with the SKU. ambiguous, unavailable: it has not answered, so that the sum may be too low
             * @enum {string}
             */
            status: "ok" | "not_found" | "ambiguous" | "unavailable";
            /** @description Its product; null unless the status is `ok` */
            product: components["schemas"]["StockProduct"] | null;
            /** @description What it has available; null unless the status is `ok` */
            available: number | null;
            /** @description Quantities; null if Trackstar states none, below zero when oversold */
            quantities: components["schemas"]["Quantities"] | null;
            /** @description The scarcest component of a kit; null for a plain product */
            limiting: components["schemas"]["Limiting"] | null;
            /** @description False if an issue may make one of its numbers too low or too high, or if it has not answered */
            complete: boolean;
            /**
             * Format: date-time
             * @description When the oldest of its records was read from Trackstar; null unless the status is `ok`
             */
            as_of: string | null;
            /** @description Whether any of its records is past its TTL */
            stale: boolean;
            /** @description Trackstar's own copy of the inventory; null while unknown */
            source: components["schemas"]["StockSource"] | null;
            /** @description Any error (RFC 9457) */
            problem: components["schemas"]["Problem"] | null;
        };
        /** @description How much of one SKU can be shipped, from where, and which problems its data has */
        Stock: {
            /** @description The requested SKU */
            sku: string;
            /**
             * @description The connection that has the stock, or the group, by its name
             * @example default
             */
            connection: string;
            product: components["schemas"]["StockProduct"];
            /** @description max(0, quantities.fulfillable); of a group, the sum over its connections */
            available: number;
            quantities: components["schemas"]["Quantities"];
            /** @description Every warehouse that an item names, sorted by id; of a group, connection by connection */
            warehouses: components["schemas"]["WarehouseStock"][];
            /** @description The inventory items of the product */
            components: components["schemas"]["ComponentStock"][];
            /** @description False if an issue may make a number too low or too high */
            complete: boolean;
            /** @description Problems in the data */
            issues: components["schemas"]["StockIssue"][];
            /** @description The scarcest component of a kit; null for a plain product */
            limiting: components["schemas"]["Limiting"] | null;
            /**
             * Format: date-time
             * @description When the oldest record used here was read from Trackstar
             */
            as_of: string;
            /** @description Whether any record used here is past its TTL */
            stale: boolean;
            /** @description Trackstar's own copy of the inventory; null while unknown */
            source: components["schemas"]["StockSource"] | null;
            /** @description If included: first-expiring first, lots without a date last */
            lots?: components["schemas"]["StockLot"][];
            /** @description If included: the locations of the items */
            locations?: components["schemas"]["StockLocation"][];
            /** @description Of a group: what each of its connections has, in the order of the group. `product` is that of the first that has it, `limiting` and `source` are null */
            connections?: components["schemas"]["ConnectionStock"][];
        };
        /** @description Items that the lines need more of than there is */
        Shortage: {
            /** @description The items that are short together; empty for a product without items */
            inventory_item_ids: string[];
            /** @description SKU of the component; null if it has none or several are affected. The SKU of the product if it has no items */
            sku: string | null;
            /** @description Units of the items that the lines need together */
            required: number;
            /** @description Available units of the items; below zero when oversold */
            available: number;
            /** @description required − available. If interchangeable items are needed in different numbers, the fewest units that could help */
            shortfall: number;
            /** @description In the basket of a group: the connection that is short */
            connection?: string;
        };
        /** @description What one connection of a group says of a basket */
        ConnectionBasket: {
            /** @description The connection, by its name */
            connection: string;
            /** @description Whether it can ship all lines together */
            fulfillable: boolean;
            /** @description Each line alone, in request order; empty with a `problem` */
            lines: components["schemas"]["BasketCheckLine"][];
            /** @description The items that it lacks */
            shortages: components["schemas"]["Shortage"][];
            /** @description As of a basket; false with a `problem` */
            complete: boolean;
            /** @description Problems in its data, each listed once */
            issues: components["schemas"]["StockIssue"][];
            /**
             * Format: date-time
             * @description When the oldest of its records was read from Trackstar; null with a `problem`
             */
            as_of: string | null;
            /** @description Whether any of its records is past its TTL */
            stale: boolean;
            /** @description Any error (RFC 9457) */
            problem: components["schemas"]["Problem"] | null;
        };
        /** @description Whether a basket can be fulfilled, and what it lacks */
        BasketCheck: {
            /** @description Whether all lines can be fulfilled together, with each unit counted once; in a group, by one connection */
            fulfillable: boolean;
            /** @description Each line alone, in request order */
            lines: components["schemas"]["BasketCheckLine"][];
            /** @description Missing items, each at most once; empty if the basket is fulfillable. Of a group, those of each connection */
            shortages: components["schemas"]["Shortage"][];
            /** @description False if an issue may make the result wrong, or if the search neither found nor ruled out an allocation in time. Of a group, false if it is for one connection, or if one has not answered */
            complete: boolean;
            /** @description Problems in the data of the lines, each listed once */
            issues: components["schemas"]["StockIssue"][];
            /**
             * Format: date-time
             * @description When the oldest record used here was read from Trackstar
             */
            as_of: string;
            /** @description Whether any record used here is past its TTL */
            stale: boolean;
            /** @description Of a group: what each of its connections says, in the order of the group */
            connections?: components["schemas"]["ConnectionBasket"][];
        };
        /** @description The outcomes of many SKUs */
        StockResults: {
            /** @description One entry per distinct SKU, in the order of the request: `stock` if the status is `ok`, else `problem` */
            results: components["schemas"]["StockResult"][];
        };
        /** @description A page of products with low stock */
        LowStock: {
            /** @description Lowest first, then by product id; of a group, then by SKU */
            data: components["schemas"]["LowStockEntry"][];
            /** @description Pass it as `page_token` with the same filters; null on the last page */
            next_token: string | null;
        };
        /** @description The products and kits that use an item */
        WhereUsed: {
            /** @description The products by SKU, then by product id; empty if no product uses the item */
            data: components["schemas"]["ItemUse"][];
        };
        /** @description The products that have a text */
        SearchResult: {
            /** @description At most 20 products, the best match first */
            data: components["schemas"]["FoundProduct"][];
        };
        /** @description Trackstar's response to an adjustment */
        Adjusted: {
            /** @description The id of the item */
            id?: string;
            data?: components["schemas"]["InventoryItem"];
            /** @description Fields of the request that the warehouse system ignored */
            unused_fields?: string[];
        } & {
            [key: string]: unknown;
        };
        /** @description Replaces a key once */
        EventTicket: {
            /** @description For `GET /stock/events?ticket=`; works once */
            ticket: string;
            /**
             * Format: date-time
             * @description When it expires, ISO 8601 UTC: in one minute
             */
            expires_at: string;
        };
        /** @description The connections and groups that the key may use */
        ConnectionList: {
            /** @description The connections in the order of the configuration, then the groups */
            data: components["schemas"]["ConnectionEntry"][];
        };
        /** @description Health of the service */
        Health: {
            /** @description `ok`, or the reason why the service is not ready */
            status: string;
        };
        /** @description Status of the service */
        Status: {
            /** @description Version of the service and of its API */
            version: string;
            /**
             * Format: date-time
             * @description When the process started
             */
            started_at: string;
            /** @description The processes of this service that work together; null: this one works alone */
            replicas: components["schemas"]["ReplicaStatus"] | null;
            /** @description Why CONNECTIONS_FILE cannot be used, so that the connections are still the ones from before; null if it can */
            configuration_error: string | null;
            /** @description The connections, in the order of the configuration */
            connections: components["schemas"]["ConnectionStatus"][];
        };
        /** @description The stock of one SKU after a change */
        StockEventData: {
            /** @description The SKU */
            sku: string;
            /**
             * @description The connection whose stock changed, by its name
             * @example default
             */
            connection: string;
            /** @description Trackstar's id of the product */
            product_id: string;
            /** @description The merchant: several may share the SKU */
            warehouse_customer_id: string | null;
            /** @description As in the stock route; 0 for a product that was deleted */
            available: number;
            /** @description `available` before the change: equal to it if only other quantities changed, null for a product that is new */
            previous_available: number | null;
            quantities: components["schemas"]["Quantities"];
            /**
             * Format: date-time
             * @description When this service noticed the change
             */
            as_of: string;
        };
        /** @description The SKUs and the options that apply to all of them */
        StockQuery: {
            /** @description The SKUs */
            skus: string[];
            /**
             * @description The merchant that owns the product. Required if several merchants share the SKU
             * @example cust_aurora
             */
            warehouse_customer_id?: string;
            /**
             * @description Only these warehouses: their quantities are added up, and others are omitted. Repeat it for more than one
             * @example [
             *       "wh_oslo"
             *     ]
             */
            warehouse_id?: string[];
            /**
             * @description Details to add to the stock
             * @example [
             *       "lots",
             *       "locations"
             *     ]
             */
            include?: ("lots" | "locations")[];
            /**
             * @description The connection or group to ask, by its name in `GET /connections`. Required if the key may use several
             * @example default
             */
            connection?: string;
        };
        /** @description A quantity of one SKU */
        BasketLine: {
            /**
             * @description The SKU in Trackstar: any string of 1 to 255 characters. Percent-encode it in a URL (`/` as `%2F`)
             * @example SENCHA-100
             */
            sku: string;
            /**
             * @description Units of the SKU
             * @example 2
             */
            quantity: number;
            /**
             * @description The merchant that owns the product. Required if several merchants share the SKU
             * @example cust_aurora
             */
            warehouse_customer_id?: string;
        };
        /** @description The lines to ship together */
        Basket: {
            /** @description The lines to ship. A SKU may occur in several lines */
            lines: components["schemas"]["BasketLine"][];
            /**
             * @description Only these warehouses: their quantities are added up, and others are omitted. Repeat it for more than one
             * @example [
             *       "wh_oslo"
             *     ]
             */
            warehouse_id?: string[];
            /**
             * @description The connection or group to ask, by its name in `GET /connections`. Required if the key may use several
             * @example default
             */
            connection?: string;
        };
        /** @description One event */
        StockEvent: {
            /**
             * @description reset: events were missed that are no longer buffered, so read the stock again
             * @enum {string}
             */
            event: "stock" | "reset";
            /** @description Sent back as `Last-Event-ID` when the client reconnects */
            id: string;
            /** @description JSON; an empty object for `reset` */
            data: string;
        };
        /** @description A stream of events in the server-sent events format */
        StockEventStream: string;
        TextFilter: {
            /** @description Equal to the value */
            eq?: string;
            /** @description Not equal to the value */
            neq?: string;
            /** @description Greater or later than the value */
            gt?: string;
            /** @description Equal to the value, or greater or later */
            gte?: string;
            /** @description Less or earlier than the value */
            lt?: string;
            /** @description Equal to the value, or less or earlier */
            lte?: string;
            /** @description One of up to 100 values, separated by commas */
            in?: string;
            /** @description None of up to 100 values, separated by commas */
            nin?: string;
            /** @description Contains the text */
            contains?: string;
            /** @description Does not contain the text */
            not_contains?: string;
        };
        Filter: {
            /** @description Equal to the value */
            eq?: string;
            /** @description Not equal to the value */
            neq?: string;
            /** @description Greater or later than the value */
            gt?: string;
            /** @description Equal to the value, or greater or later */
            gte?: string;
            /** @description Less or earlier than the value */
            lt?: string;
            /** @description Equal to the value, or less or earlier */
            lte?: string;
            /** @description One of up to 100 values, separated by commas */
            in?: string;
            /** @description None of up to 100 values, separated by commas */
            nin?: string;
        };
        /** @description One page of Trackstar's list */
        ProductPage: {
            /** @description The records */
            data: components["schemas"]["Product"][];
            /** @description Send it as `page_token`, with the same filters, to get the next page; null on the last page */
            next_token: string | null;
            /** @description Records on this page */
            total_count: number;
        };
        /** @description One whole record from Trackstar */
        ProductReply: {
            data: components["schemas"]["Product"];
        };
        /** @description One page of Trackstar's list */
        InventoryItemPage: {
            /** @description The records */
            data: components["schemas"]["InventoryItem"][];
            /** @description Send it as `page_token`, with the same filters, to get the next page; null on the last page */
            next_token: string | null;
            /** @description Records on this page */
            total_count: number;
        };
        /** @description One whole record from Trackstar */
        InventoryItemReply: {
            data: components["schemas"]["InventoryItem"];
        };
        /** @description The change to make. Omit fields that do not apply: none may be null or empty */
        Adjustment: {
            /**
             * @description Units to add or remove
             * @example 5
             */
            quantity: number;
            /**
             * @description Whether to add or to remove the units
             * @example increase
             * @enum {string}
             */
            adjustment_type: "increase" | "decrease";
            /**
             * @description The warehouse whose stock changes
             * @example wh_oslo
             */
            warehouse_id?: string;
            /**
             * @description The location in the warehouse, if the warehouse system has locations
             * @example A-01
             */
            location_id?: string;
        };
        /** @description One page of Trackstar's list */
        WarehousePage: {
            /** @description The records */
            data: components["schemas"]["Warehouse"][];
            /** @description Send it as `page_token`, with the same filters, to get the next page; null on the last page */
            next_token: string | null;
            /** @description Records on this page */
            total_count: number;
        };
        /** @description One whole record from Trackstar */
        WarehouseReply: {
            data: components["schemas"]["Warehouse"];
        };
        /** @description A webhook delivery from Trackstar, with the fields that this service uses */
        WebhookDelivery: {
            /** @description The connection; deliveries of a connection that the service does not have, or of none, are ignored */
            connection_id?: string | number | null;
            /** @description `inventory`, `product` or `warehouse` with `.created` or `.updated`, or an event about the connection; others are ignored */
            event_type: string;
            /** @description The current record; if it lacks fields, this service reads the record from Trackstar */
            data?: unknown;
            /** @description `data` was too large and contains only the id; this service reads the record from Trackstar */
            data_truncated?: boolean | null;
            /** @description Where Trackstar has `data` that was too large; not called, because this service reads the record by its id */
            data_url?: string | null;
        } & {
            [key: string]: unknown;
        };
        /** @description One invalid field */
        FieldError: {
            /** @description The field or parameter, spelled as the caller sent it */
            field: string;
            /** @description What is wrong with it */
            message: string;
        };
        /** @description One of the products that share a SKU */
        Candidate: {
            /** @description Trackstar's id of the product */
            product_id: string;
            /** @description Name of the product */
            name: string | null;
            /** @description The merchant. Repeat the request with it as `warehouse_customer_id` */
            warehouse_customer_id: string | null;
            /** @description Whether the product is active; null if Trackstar does not say */
            active: boolean | null;
        };
        /** @description A reference of a product to an inventory item */
        ProductReference: {
            /** @description The id of the inventory item */
            inventory_item_id: string;
            /** @description SKU of the component */
            sku?: string | null;
            /** @description Units of the item per unit of the product; null or absent means 1 */
            unit_quantity?: unknown;
        } & {
            [key: string]: unknown;
        };
        /** @description Quantities of an item; null or absent if Trackstar states none */
        ItemQuantities: {
            /** @description Units in the warehouse: committed + unfulfillable + fulfillable, unless substitute SKUs are involved */
            onhand?: number | null;
            /** @description Allocated to orders */
            committed?: number | null;
            /** @description Damaged, quarantined or otherwise held back */
            unfulfillable?: number | null;
            /** @description Can be picked and shipped for orders; below zero when oversold */
            fulfillable?: number | null;
            /** @description Offered in sales channels */
            sellable?: number | null;
            /** @description Expected to arrive */
            awaiting?: number | null;
        } & {
            [key: string]: unknown;
        };
        /** @description One lot of an item */
        Lot: {
            /** @description Id of the lot */
            lot_id?: string | null;
            /** @description Units of the lot */
            onhand?: number | null;
            /** @description `YYYY-MM-DD` or a time in UTC */
            expiration_date?: string | null;
            /** @description The warehouse of the lot */
            warehouse_id?: string | null;
        } & {
            [key: string]: unknown;
        };
        /** @description One location of an item */
        ItemLocation: {
            /** @description Id of the location */
            location_id?: string | null;
            /** @description Units at the location */
            quantity?: number | null;
            /** @description The warehouse of the location */
            warehouse_id?: string | null;
        } & {
            [key: string]: unknown;
        };
        /** @description Its product; null unless the status is `ok` */
        StockProduct: {
            /** @description Trackstar's id of the product */
            id: string;
            /** @description Name of the product */
            name: string | null;
            /** @description GTIN of the product */
            gtin: string | null;
            /** @description Whether the product is assembled from components; if Trackstar does not say, whether its components have several SKUs */
            is_kit: boolean;
            /** @description Whether the product is active; null if Trackstar does not say */
            active: boolean | null;
            /** @description The merchant, if several share one warehouse system */
            warehouse_customer_id: string | null;
        };
        /** @description The scarcest component of a kit; null for a plain product */
        Limiting: {
            /** @description SKU of the component; null if it has none */
            component_sku: string | null;
            /** @description The interchangeable items of this component */
            inventory_item_ids: string[];
            /** @description Kits that this component allows; below zero when oversold */
            yield: number;
            /** @description Further units of the component needed for max(0, yield) + 1 kits */
            shortfall: number;
        };
        /** @description An error between Trackstar and the warehouse system, or a sync that does not run */
        SourceError: {
            /** @description What is wrong, with type and resource if Trackstar names them */
            message: string;
            /** @description Whether it keeps Trackstar from copying products, inventory or warehouses */
            preventing_sync: boolean;
            /** @description When the error first occurred */
            first_seen: string | null;
            /** @description When the error last occurred */
            last_seen: string | null;
        };
        /** @description Trackstar's own copy of the inventory; null while unknown */
        StockSource: {
            /** @description When Trackstar last copied inventory from the warehouse system */
            synced_at: string | null;
            /** @description All errors of the connection */
            errors: components["schemas"]["SourceError"][];
        };
        /** @description The result for one line alone */
        BasketCheckLine: {
            /** @description The requested SKU */
            sku: string;
            /** @description Requested units */
            requested: number;
            /** @description Units available for this line alone, as in `GET /products/{sku}/stock` */
            available: number;
            /** @description Whether this line can be fulfilled alone; in a group, by one connection */
            fulfillable: boolean;
            problem?: components["schemas"]["Problem"];
        };
        /** @description The outcome of one SKU */
        StockResult: {
            /** @description The SKU, as in the request */
            sku: string;
            /**
             * @description unavailable: Trackstar could not be read now, and the records are not cached
             * @enum {string}
             */
            status: "ok" | "not_found" | "ambiguous" | "unavailable";
            stock?: components["schemas"]["Stock"];
            problem?: components["schemas"]["Problem"];
        };
        /** @description What one connection of a group has of a SKU */
        ConnectionLowStock: {
            /** @description The connection, by its name */
            connection: string;
            /**
             * @description not_found: it has no product with the SKU. ambiguous, unavailable: it is missing from the sum, which may be too low
             * @enum {string}
             */
            status: "ok" | "not_found" | "ambiguous" | "unavailable";
            /** @description Its product; null unless the status is `ok`, like the rest */
            product_id: string | null;
            /** @description Name of its product */
            name: string | null;
            /** @description The merchant */
            warehouse_customer_id: string | null;
            /** @description What it has available */
            available: number | null;
            /** @description Quantities; null if Trackstar states none, below zero when oversold */
            quantities: components["schemas"]["Quantities"] | null;
        };
        /** @description One product with low stock */
        LowStockEntry: {
            /** @description The SKU */
            sku: string;
            /** @description Trackstar's id of the product */
            product_id: string;
            /** @description Name of the product */
            name: string | null;
            /** @description The merchant */
            warehouse_customer_id: string | null;
            /** @description As in the stock route, over the requested warehouses; of a group, the sum over its connections */
            available: number;
            quantities: components["schemas"]["Quantities"];
            /** @description Of a group: what each of its connections has, in the order of the group. `product_id`, `name` and `warehouse_customer_id` of the entry are those of the first that has the SKU */
            connections?: components["schemas"]["ConnectionLowStock"][];
        };
        /** @description One product that uses the item */
        ItemUse: {
            /** @description Trackstar's id of the product */
            product_id: string;
            /** @description SKU of the product */
            sku: string | null;
            /** @description Name of the product */
            name: string | null;
            /** @description Whether the product is assembled from components */
            is_kit: boolean;
            /** @description Units of the item in one unit of the product; null if the product gives no valid number */
            unit_quantity: number | null;
            /** @description The merchant */
            warehouse_customer_id: string | null;
        };
        /** @description One product that has the text */
        FoundProduct: {
            /** @description SKU of the product */
            sku: string | null;
            /** @description Trackstar's id of the product */
            product_id: string;
            /** @description Name of the product */
            name: string | null;
            /** @description GTIN of the product */
            gtin: string | null;
            /** @description Whether the product is assembled from components */
            is_kit: boolean;
            /** @description The merchant */
            warehouse_customer_id: string | null;
            /** @description As in the stock route; null if the SKU of the product selects another product, several, or is missing */
            available: number | null;
        };
        /** @description One connection or group */
        ConnectionEntry: {
            /** @description Name of the connection, for `connection` of other requests */
            name: string;
            /**
             * @description group: several connections whose stock is seen as one
             * @enum {string}
             */
            kind: "connection" | "group";
            /** @description Names of the connections of a group; absent for a connection */
            connections?: string[];
            /** @description Trackstar's id of the connection; null if not configured, and for a group */
            connection_id: string | null;
            /**
             * @description live: the whole catalog is mirrored. loading: it is being loaded. on-demand: records are read when they are requested. refused: Trackstar rejects the credentials. A group is refused if all of its connections are, and loading or on-demand if any of them is
             * @enum {string}
             */
            state: "loading" | "live" | "on-demand" | "refused";
            /**
             * Format: date-time
             * @description When the mirror was last known to be up to date; for a group, the earliest of its connections
             */
            synced_at: string | null;
        };
        /** @description The processes of this service that work together; null: this one works alone */
        ReplicaStatus: {
            /** @description This process */
            id: string;
            /** @description Processes that share the work */
            count: number;
            /**
             * @description What they share it through
             * @enum {string}
             */
            redis: "ok" | "down";
        };
        /** @description The latest failure of a call to Trackstar, or of the mirror; null if there was none since startup */
        LastError: {
            /**
             * @description A problem code, see /docs/problems
             * @example upstream_unavailable
             */
            code: string;
            /** @description What failed */
            detail: string;
            /**
             * Format: date-time
             * @description When it failed
             */
            at: string;
        };
        /** @description Webhooks from Trackstar; null without TRACKSTAR_WEBHOOK_SECRET */
        WebhookStatus: {
            /**
             * Format: date-time
             * @description When the latest delivery arrived; null before the first
             */
            last_received_at: string | null;
            /** @description Signed deliveries since startup */
            received: number;
            /** @description Those that changed nothing: older than the cached record, repeated, malformed, or of an event type or connection that this service does not use */
            ignored: number;
        };
        /** @description The mirror of the catalog; null in on-demand mode */
        MirrorStatus: {
            /**
             * @description off: the mirror has stopped, and records are read on demand
             * @enum {string}
             */
            state: "loading" | "live" | "off";
            /** @description Products in the mirror */
            products: number;
            /** @description Inventory items in the mirror */
            inventory: number;
            /** @description Warehouses in the mirror */
            warehouses: number;
            /** @description Pages read since startup, including pages of changes */
            pages: number;
            /** @description Pages left of the first load or of a comparison; null if unknown, because Trackstar gives no total */
            pages_left: number | null;
            /** @description Lists that are empty, have lost most of their records, which the mirror does not accept yet, or have records that cannot be read */
            doubtful: string[];
            /** @description When the mirror was last known to be up to date */
            synced_at: string | null;
        };
        /** @description The record cache */
        CacheStatus: {
            /** @description Records and indexes in the cache */
            entries: number;
            /** @description Their size as JSON */
            bytes: number;
            /** @description Maximum size of all connections together: CACHE_MAX_MB, in bytes */
            max_bytes: number;
            /** @description Share of lookups since startup that needed no call to Trackstar; null before the first */
            hit_ratio: number | null;
        };
        /** @description Use of the read rate */
        BudgetStatus: {
            /** @description TRACKSTAR_READ_RATE */
            reads_per_second: number;
            /** @description Reads sent within the last second */
            used_last_second: number;
            /** @description Calls waiting for a permit */
            waiting: number;
        };
        /** @description An error between Trackstar and the warehouse system, or a sync that does not run */
        ConnectionError: {
            /** @description What is wrong, with type and resource if Trackstar names them */
            message: string;
            /** @description Whether it keeps Trackstar from copying products, inventory or warehouses */
            preventing_sync: boolean;
            /** @description When it was first seen */
            first_seen: string | null;
            /** @description When it was last seen */
            last_seen: string | null;
        };
        /** @description State of Trackstar's sync with the warehouse system; null while unknown */
        ConnectionSource: {
            /** @description When Trackstar last synced inventory */
            synced_at: string | null;
            /** @description All errors of the connection */
            errors: components["schemas"]["ConnectionError"][];
        };
        /** @description Status of one connection */
        ConnectionStatus: {
            /**
             * @description Name of the connection
             * @example default
             */
            name: string;
            /** @description Its id at Trackstar, if it is configured */
            connection_id: string | null;
            /**
             * @description CATALOG_MODE
             * @enum {string}
             */
            mode: "mirror" | "on-demand";
            /** @description Whether this process reads the changes of the connection from Trackstar; of several replicas one does */
            leader: boolean;
            /**
             * @description refused: Trackstar rejects TRACKSTAR_API_KEY or the access token. unknown: no call has been answered yet
             * @enum {string}
             */
            credentials: "ok" | "refused" | "unknown";
            /** @description The latest failure of a call to Trackstar, or of the mirror; null if there was none since startup */
            last_error: components["schemas"]["LastError"] | null;
            /** @description Webhooks from Trackstar; null without TRACKSTAR_WEBHOOK_SECRET */
            webhooks: components["schemas"]["WebhookStatus"] | null;
            /** @description The mirror of the catalog; null in on-demand mode */
            mirror: components["schemas"]["MirrorStatus"] | null;
            cache: components["schemas"]["CacheStatus"];
            budget: components["schemas"]["BudgetStatus"];
            /**
             * @description State of the circuit breaker; open: Trackstar failed repeatedly, and calls are paused
             * @enum {string}
             */
            circuit: "closed" | "open" | "half-open";
            /** @description State of Trackstar's sync with the warehouse system; null while unknown */
            source: components["schemas"]["ConnectionSource"] | null;
        };
    };
    responses: {
        /** @description [`uri_too_long`](problems#uri_too_long): URI too long */
        UriTooLong: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Any other error. Before a route is found: [`route_not_found`](problems#route_not_found): Route not found. [`method_not_allowed`](problems#method_not_allowed): Method not allowed. [`request_timeout`](problems#request_timeout): Request timeout. [`misdirected_request`](problems#misdirected_request): Misdirected request. [`headers_too_large`](problems#headers_too_large): Request header fields too large */
        AnyProblem: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                Allow: components["headers"]["Allow"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`unauthorized`](problems#unauthorized): Missing or invalid credentials */
        Unauthorized: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`rate_limited`](problems#rate_limited): Rate limit exceeded */
        RateLimited: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                "Retry-After": components["headers"]["Retry-After"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`overloaded`](problems#overloaded): Service overloaded */
        Overloaded: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                "Retry-After": components["headers"]["Retry-After"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`connection_required`](problems#connection_required): Connection required. [`validation_failed`](problems#validation_failed): Invalid request */
        BadRequest: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`product_not_found`](problems#product_not_found): Product not found. [`connection_not_found`](problems#connection_not_found): Connection not found */
        NotFound: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`not_acceptable`](problems#not_acceptable): Not acceptable */
        NotAcceptable: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`sku_ambiguous`](problems#sku_ambiguous): Ambiguous SKU */
        SkuAmbiguous: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`upstream_rejected`](problems#upstream_rejected): Request rejected by Trackstar */
        UpstreamRejected: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`internal_error`](problems#internal_error): Internal server error */
        InternalError: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`not_supported_by_integration`](problems#not_supported_by_integration): Not supported by the integration */
        NotSupportedByIntegration: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`upstream_invalid_response`](problems#upstream_invalid_response): Invalid response from Trackstar. [`upstream_auth_failed`](problems#upstream_auth_failed): Trackstar rejected the service credentials */
        BadGateway: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`upstream_unavailable`](problems#upstream_unavailable): Trackstar is unavailable. [`overloaded`](problems#overloaded): Service overloaded */
        ServiceUnavailable: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                "Retry-After": components["headers"]["Retry-After"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`upstream_timeout`](problems#upstream_timeout): Trackstar timed out. [`not_cached`](problems#not_cached): Not in cache */
        GatewayTimeout: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`connection_not_found`](problems#connection_not_found): Connection not found */
        ConnectionNotFound: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`content_too_large`](problems#content_too_large): Content too large */
        ContentTooLarge: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`unsupported_media_type`](problems#unsupported_media_type): Unsupported media type */
        UnsupportedMediaType: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`requires_mirror`](problems#requires_mirror): Mirrored catalog required */
        RequiresMirror: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`validation_failed`](problems#validation_failed): Invalid request */
        ValidationFailed: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`upstream_timeout`](problems#upstream_timeout): Trackstar timed out */
        UpstreamTimeout: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`forbidden`](problems#forbidden): Insufficient permissions */
        Forbidden: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description [`idempotency_conflict`](problems#idempotency_conflict): Idempotency key conflict */
        IdempotencyConflict: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                /** @description Errors are never cached */
                "Cache-Control"?: string;
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: {
        /** @description Identifies the request in the logs: the id that the client sent, or a new one */
        "X-Request-Id": string;
        /** @description Never stored */
        "Cache-Control": string;
        /** @description With a 405: the methods that the path accepts */
        Allow: string;
        /** @description What one client may use per minute: 1 for a request, or 1 for each SKU or line in it; absent if there is no limit */
        "RateLimit-Limit": number;
        /** @description What remains of the limit */
        "RateLimit-Remaining": number;
        /** @description Seconds until the limit is reset */
        "RateLimit-Reset": number;
        /** @description The authentication scheme to use */
        "WWW-Authenticate": string;
        /** @description Seconds to wait before a retry */
        "Retry-After": number;
        /** @description Seconds since the oldest record in the response was read from Trackstar (RFC 9111) */
        Age: number;
        /** @description A weak tag of the body without `as_of` and `request_id`. Send it back as `If-None-Match` */
        ETag: string;
        /** @description Where the response comes from (RFC 9211): the cache (`hit`, `hit; detail=stale`), or Trackstar because a record was missing or too old (`fwd=miss`, `fwd=stale`) */
        "Cache-Status": string;
        /** @description The key of the write: the one in the request, or a generated one */
        "Idempotency-Key": string;
        /** @description `true` if the write was made earlier and this is its first response; absent otherwise */
        "Idempotent-Replayed": string;
    };
    pathItems: never;
}
export type Problem = components['schemas']['Problem'];
export type Product = components['schemas']['Product'];
export type InventoryItem = components['schemas']['InventoryItem'];
export type Warehouse = components['schemas']['Warehouse'];
export type Quantities = components['schemas']['Quantities'];
export type WarehouseStock = components['schemas']['WarehouseStock'];
export type ComponentStock = components['schemas']['ComponentStock'];
export type StockIssue = components['schemas']['StockIssue'];
export type StockLot = components['schemas']['StockLot'];
export type StockLocation = components['schemas']['StockLocation'];
export type ConnectionStock = components['schemas']['ConnectionStock'];
export type Stock = components['schemas']['Stock'];
export type Shortage = components['schemas']['Shortage'];
export type ConnectionBasket = components['schemas']['ConnectionBasket'];
export type BasketCheck = components['schemas']['BasketCheck'];
export type StockResults = components['schemas']['StockResults'];
export type LowStock = components['schemas']['LowStock'];
export type WhereUsed = components['schemas']['WhereUsed'];
export type SearchResult = components['schemas']['SearchResult'];
export type Adjusted = components['schemas']['Adjusted'];
export type EventTicket = components['schemas']['EventTicket'];
export type ConnectionList = components['schemas']['ConnectionList'];
export type Health = components['schemas']['Health'];
export type Status = components['schemas']['Status'];
export type StockEventData = components['schemas']['StockEventData'];
export type StockQuery = components['schemas']['StockQuery'];
export type BasketLine = components['schemas']['BasketLine'];
export type Basket = components['schemas']['Basket'];
export type StockEvent = components['schemas']['StockEvent'];
export type StockEventStream = components['schemas']['StockEventStream'];
export type TextFilter = components['schemas']['TextFilter'];
export type Filter = components['schemas']['Filter'];
export type ProductPage = components['schemas']['ProductPage'];
export type ProductReply = components['schemas']['ProductReply'];
export type InventoryItemPage = components['schemas']['InventoryItemPage'];
export type InventoryItemReply = components['schemas']['InventoryItemReply'];
export type Adjustment = components['schemas']['Adjustment'];
export type WarehousePage = components['schemas']['WarehousePage'];
export type WarehouseReply = components['schemas']['WarehouseReply'];
export type WebhookDelivery = components['schemas']['WebhookDelivery'];
export type FieldError = components['schemas']['FieldError'];
export type Candidate = components['schemas']['Candidate'];
export type ProductReference = components['schemas']['ProductReference'];
export type ItemQuantities = components['schemas']['ItemQuantities'];
export type Lot = components['schemas']['Lot'];
export type ItemLocation = components['schemas']['ItemLocation'];
export type StockProduct = components['schemas']['StockProduct'];
export type Limiting = components['schemas']['Limiting'];
export type SourceError = components['schemas']['SourceError'];
export type StockSource = components['schemas']['StockSource'];
export type BasketCheckLine = components['schemas']['BasketCheckLine'];
export type StockResult = components['schemas']['StockResult'];
export type ConnectionLowStock = components['schemas']['ConnectionLowStock'];
export type LowStockEntry = components['schemas']['LowStockEntry'];
export type ItemUse = components['schemas']['ItemUse'];
export type FoundProduct = components['schemas']['FoundProduct'];
export type ConnectionEntry = components['schemas']['ConnectionEntry'];
export type ReplicaStatus = components['schemas']['ReplicaStatus'];
export type LastError = components['schemas']['LastError'];
export type WebhookStatus = components['schemas']['WebhookStatus'];
export type MirrorStatus = components['schemas']['MirrorStatus'];
export type CacheStatus = components['schemas']['CacheStatus'];
export type BudgetStatus = components['schemas']['BudgetStatus'];
export type ConnectionError = components['schemas']['ConnectionError'];
export type ConnectionSource = components['schemas']['ConnectionSource'];
export type ConnectionStatus = components['schemas']['ConnectionStatus'];
export type ResponseUriTooLong = components['responses']['UriTooLong'];
export type ResponseAnyProblem = components['responses']['AnyProblem'];
export type ResponseUnauthorized = components['responses']['Unauthorized'];
export type ResponseRateLimited = components['responses']['RateLimited'];
export type ResponseOverloaded = components['responses']['Overloaded'];
export type ResponseBadRequest = components['responses']['BadRequest'];
export type ResponseNotFound = components['responses']['NotFound'];
export type ResponseNotAcceptable = components['responses']['NotAcceptable'];
export type ResponseSkuAmbiguous = components['responses']['SkuAmbiguous'];
export type ResponseUpstreamRejected = components['responses']['UpstreamRejected'];
export type ResponseInternalError = components['responses']['InternalError'];
export type ResponseNotSupportedByIntegration = components['responses']['NotSupportedByIntegration'];
export type ResponseBadGateway = components['responses']['BadGateway'];
export type ResponseServiceUnavailable = components['responses']['ServiceUnavailable'];
export type ResponseGatewayTimeout = components['responses']['GatewayTimeout'];
export type ResponseConnectionNotFound = components['responses']['ConnectionNotFound'];
export type ResponseContentTooLarge = components['responses']['ContentTooLarge'];
export type ResponseUnsupportedMediaType = components['responses']['UnsupportedMediaType'];
export type ResponseRequiresMirror = components['responses']['RequiresMirror'];
export type ResponseValidationFailed = components['responses']['ValidationFailed'];
export type ResponseUpstreamTimeout = components['responses']['UpstreamTimeout'];
export type ResponseForbidden = components['responses']['Forbidden'];
export type ResponseIdempotencyConflict = components['responses']['IdempotencyConflict'];
export type HeaderXRequestId = components['headers']['X-Request-Id'];
export type HeaderCacheControl = components['headers']['Cache-Control'];
export type HeaderAllow = components['headers']['Allow'];
export type HeaderRateLimitLimit = components['headers']['RateLimit-Limit'];
export type HeaderRateLimitRemaining = components['headers']['RateLimit-Remaining'];
export type HeaderRateLimitReset = components['headers']['RateLimit-Reset'];
export type HeaderWwwAuthenticate = components['headers']['WWW-Authenticate'];
export type HeaderRetryAfter = components['headers']['Retry-After'];
export type HeaderAge = components['headers']['Age'];
export type HeaderETag = components['headers']['ETag'];
export type HeaderCacheStatus = components['headers']['Cache-Status'];
export type HeaderIdempotencyKey = components['headers']['Idempotency-Key'];
export type HeaderIdempotentReplayed = components['headers']['Idempotent-Replayed'];
export type $defs = Record<string, never>;
export interface operations {
    getLiveness: {
        parameters: {
            query?: never;
            header?: {
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The process runs */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            414: components["responses"]["UriTooLong"];
            default: components["responses"]["AnyProblem"];
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: {
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The service is ready */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            414: components["responses"]["UriTooLong"];
            /** @description The service is not ready */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            default: components["responses"]["AnyProblem"];
        };
    };
    getMetrics: {
        parameters: {
            query?: never;
            header?: {
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The metrics */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            414: components["responses"]["UriTooLong"];
            default: components["responses"]["AnyProblem"];
        };
    };
    getStatus: {
        parameters: {
            query?: never;
            header?: {
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Status of the service */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    "Cache-Control": components["headers"]["Cache-Control"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Status"];
                };
            };
            401: components["responses"]["Unauthorized"];
            414: components["responses"]["UriTooLong"];
            429: components["responses"]["RateLimited"];
            503: components["responses"]["Overloaded"];
            default: components["responses"]["AnyProblem"];
        };
    };
    getStock: {
        parameters: {
            query?: {
                /** @description The merchant that owns the product. Required if several merchants share the SKU */
                warehouse_customer_id?: string;
                /** @description Only these warehouses: their quantities are added up, and others are omitted. Repeat it for more than one */
                warehouse_id?: string[];
                /** @description Details to add to the stock. Repeat it for both, or separate them by a comma */
                include?: ("lots" | "locations" | "lots,locations" | "locations,lots")[];
                /** @description The connection or group to ask, by its name in `GET /connections`. Required if the key may use several */
                connection?: string;
            };
            header?: {
                /** @description How old the response may be: `no-cache` reads from Trackstar again, `max-age=N` accepts nothing older than N seconds, `only-if-cached` never reads from Trackstar. Without it, cached records are used and refreshed when they expire */
                "cache-control"?: string;
                /** @description The `ETag` of an earlier response. The answer is 304 if nothing has changed */
                "if-none-match"?: string;
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path: {
                /**
                 * @description The SKU in Trackstar: any string of 1 to 255 characters. Percent-encode it in a URL (`/` as `%2F`)
                 * @example SENCHA-100
                 */
                sku: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The stock */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    Age: components["headers"]["Age"];
                    ETag: components["headers"]["ETag"];
                    /** @description With a mirror, `private, no-cache`: revalidate before every reuse, with the `ETag`. On demand, how long the response is fresh and how long after that it may be reused, in seconds, minus `Age` */
                    "Cache-Control"?: string;
                    "Cache-Status": components["headers"]["Cache-Status"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Stock"];
                };
            };
            /** @description Not modified: `If-None-Match` has the current `ETag` */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    Age: components["headers"]["Age"];
                    ETag: components["headers"]["ETag"];
                    /** @description With a mirror, `private, no-cache`: revalidate before every reuse, with the `ETag`. On demand, how long the response is fresh and how long after that it may be reused, in seconds, minus `Age` */
                    "Cache-Control"?: string;
                    "Cache-Status": components["headers"]["Cache-Status"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["NotFound"];
            406: components["responses"]["NotAcceptable"];
            409: components["responses"]["SkuAmbiguous"];
            414: components["responses"]["UriTooLong"];
            422: components["responses"]["UpstreamRejected"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            501: components["responses"]["NotSupportedByIntegration"];
            502: components["responses"]["BadGateway"];
            503: components["responses"]["ServiceUnavailable"];
            504: components["responses"]["GatewayTimeout"];
            default: components["responses"]["AnyProblem"];
        };
    };
    listStock: {
        parameters: {
            query: {
                /**
                 * @description A SKU. Repeat it for more than one
                 * @example [
                 *       "SENCHA-100",
                 *       "EARL-GREY",
                 *       "NO-SUCH-SKU"
                 *     ]
                 */
                sku: string[];
                /** @description The merchant that owns the product. Required if several merchants share the SKU */
                warehouse_customer_id?: string;
                /** @description Only these warehouses: their quantities are added up, and others are omitted. Repeat it for more than one */
                warehouse_id?: string[];
                /** @description Details to add to the stock. Repeat it for both, or separate them by a comma */
                include?: ("lots" | "locations" | "lots,locations" | "locations,lots")[];
                /** @description The connection or group to ask, by its name in `GET /connections`. Required if the key may use several */
                connection?: string;
            };
            header?: {
                /** @description How old the response may be: `no-cache` reads from Trackstar again, `max-age=N` accepts nothing older than N seconds, `only-if-cached` never reads from Trackstar. Without it, cached records are used and refreshed when they expire */
                "cache-control"?: string;
                /** @description The `ETag` of an earlier response. The answer is 304 if nothing has changed */
                "if-none-match"?: string;
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The outcome of each SKU */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    Age: components["headers"]["Age"];
                    ETag: components["headers"]["ETag"];
                    /** @description With a mirror, `private, no-cache`: revalidate before every reuse, with the `ETag`. On demand, how long the response is fresh and how long after that it may be reused, in seconds, minus `Age` */
                    "Cache-Control"?: string;
                    "Cache-Status": components["headers"]["Cache-Status"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StockResults"];
                };
            };
            /** @description Not modified: `If-None-Match` has the current `ETag` */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    Age: components["headers"]["Age"];
                    ETag: components["headers"]["ETag"];
                    /** @description With a mirror, `private, no-cache`: revalidate before every reuse, with the `ETag`. On demand, how long the response is fresh and how long after that it may be reused, in seconds, minus `Age` */
                    "Cache-Control"?: string;
                    "Cache-Status": components["headers"]["Cache-Status"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["ConnectionNotFound"];
            406: components["responses"]["NotAcceptable"];
            414: components["responses"]["UriTooLong"];
            422: components["responses"]["UpstreamRejected"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            501: components["responses"]["NotSupportedByIntegration"];
            502: components["responses"]["BadGateway"];
            503: components["responses"]["ServiceUnavailable"];
            504: components["responses"]["GatewayTimeout"];
            default: components["responses"]["AnyProblem"];
        };
    };
    queryStock: {
        parameters: {
            query?: never;
            header?: {
                /** @description How old the response may be: `no-cache` reads from Trackstar again, `max-age=N` accepts nothing older than N seconds, `only-if-cached` never reads from Trackstar. Without it, cached records are used and refreshed when they expire */
                "cache-control"?: string;
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description The SKUs and the options that apply to all of them */
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "skus": [
                 *         "SENCHA-100",
                 *         "EARL-GREY",
                 *         "NO-SUCH-SKU"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["StockQuery"];
            };
        };
        responses: {
            /** @description The outcome of each SKU */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    Age: components["headers"]["Age"];
                    ETag: components["headers"]["ETag"];
                    /** @description With a mirror, `private, no-cache`: revalidate before every reuse, with the `ETag`. On demand, how long the response is fresh and how long after that it may be reused, in seconds, minus `Age` */
                    "Cache-Control"?: string;
                    "Cache-Status": components["headers"]["Cache-Status"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StockResults"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["ConnectionNotFound"];
            406: components["responses"]["NotAcceptable"];
            413: components["responses"]["ContentTooLarge"];
            414: components["responses"]["UriTooLong"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["UpstreamRejected"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            501: components["responses"]["NotSupportedByIntegration"];
            502: components["responses"]["BadGateway"];
            503: components["responses"]["ServiceUnavailable"];
            504: components["responses"]["GatewayTimeout"];
            default: components["responses"]["AnyProblem"];
        };
    };
    checkBasket: {
        parameters: {
            query?: never;
            header?: {
                /** @description How old the response may be: `no-cache` reads from Trackstar again, `max-age=N` accepts nothing older than N seconds, `only-if-cached` never reads from Trackstar. Without it, cached records are used and refreshed when they expire */
                "cache-control"?: string;
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description The lines to ship together */
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "lines": [
                 *         {
                 *           "sku": "GONGFU-SET",
                 *           "quantity": 6
                 *         },
                 *         {
                 *           "sku": "CUP",
                 *           "quantity": 20
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["Basket"];
            };
        };
        responses: {
            /** @description Whether the basket can be shipped, and which items are missing */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    Age: components["headers"]["Age"];
                    ETag: components["headers"]["ETag"];
                    /** @description With a mirror, `private, no-cache`: revalidate before every reuse, with the `ETag`. On demand, how long the response is fresh and how long after that it may be reused, in seconds, minus `Age` */
                    "Cache-Control"?: string;
                    "Cache-Status": components["headers"]["Cache-Status"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BasketCheck"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["ConnectionNotFound"];
            406: components["responses"]["NotAcceptable"];
            413: components["responses"]["ContentTooLarge"];
            414: components["responses"]["UriTooLong"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["UpstreamRejected"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            501: components["responses"]["NotSupportedByIntegration"];
            502: components["responses"]["BadGateway"];
            503: components["responses"]["ServiceUnavailable"];
            504: components["responses"]["GatewayTimeout"];
            default: components["responses"]["AnyProblem"];
        };
    };
    listLowStock: {
        parameters: {
            query: {
                /**
                 * @description Only SKUs with less than this available
                 * @example 10
                 */
                below: number;
                /** @description SKUs per page */
                limit?: number;
                /** @description `next_token` of the previous page */
                page_token?: string;
                /** @description Only products of this merchant (Trackstar's `warehouse_customer_id`) */
                warehouse_customer_id?: string;
                /** @description Only these warehouses: their quantities are added up, and others are omitted. Repeat it for more than one */
                warehouse_id?: string[];
                /** @description The connection or group to ask, by its name in `GET /connections`. Required if the key may use several */
                connection?: string;
            };
            header?: {
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    /** @description Revalidate before every reuse */
                    "Cache-Control"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LowStock"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["ConnectionNotFound"];
            406: components["responses"]["NotAcceptable"];
            414: components["responses"]["UriTooLong"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            501: components["responses"]["RequiresMirror"];
            /** @description [`mirror_loading`](problems#mirror_loading): Catalog is loading. [`overloaded`](problems#overloaded): Service overloaded */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    /** @description Errors are never cached */
                    "Cache-Control"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            default: components["responses"]["AnyProblem"];
        };
    };
    streamStockEvents: {
        parameters: {
            query?: {
                /** @description Only events of these SKUs; repeat it for more. Default: all SKUs */
                sku?: string[];
                /** @description The connection or group to ask, by its name in `GET /connections`. Required if the key may use several */
                connection?: string;
            };
            header?: {
                /** @description `id` of the last event received; browsers send it when they reconnect */
                "last-event-id"?: string;
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Events, until the client disconnects */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    /** @description Must not be stored, nor compressed by a proxy, which would delay events */
                    "Cache-Control"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["StockEventStream"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["ConnectionNotFound"];
            414: components["responses"]["UriTooLong"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            501: components["responses"]["RequiresMirror"];
            /** @description [`mirror_loading`](problems#mirror_loading): Catalog is loading. [`overloaded`](problems#overloaded): Service overloaded */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    /** @description Errors are never cached */
                    "Cache-Control"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            default: components["responses"]["AnyProblem"];
        };
    };
    createEventTicket: {
        parameters: {
            query?: {
                /** @description The connection or group to ask, by its name in `GET /connections`. Required if the key may use several */
                connection?: string;
            };
            header?: {
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The ticket */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    /** @description Never cached */
                    "Cache-Control"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventTicket"];
                };
            };
            400: components["responses"]["ValidationFailed"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["ConnectionNotFound"];
            406: components["responses"]["NotAcceptable"];
            413: components["responses"]["ContentTooLarge"];
            414: components["responses"]["UriTooLong"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Overloaded"];
            default: components["responses"]["AnyProblem"];
        };
    };
    listProducts: {
        parameters: {
            query?: {
                /** @description Records per page. Default: 1000 */
                limit?: number;
                /** @description `next_token` of the previous page. Omit it for the first page */
                page_token?: string;
                /** @description Up to 100 ids, separated by commas. With it, Trackstar ignores all other filters */
                ids?: string;
                /** @description The SKU */
                sku?: components["schemas"]["TextFilter"];
                /** @description The merchant */
                warehouse_customer_id?: components["schemas"]["TextFilter"];
                /** @description The tags */
                trackstar_tags?: components["schemas"]["TextFilter"];
                /** @description When the warehouse system created the record */
                created_date?: components["schemas"]["Filter"];
                /** @description When the warehouse system last changed the record */
                updated_date?: components["schemas"]["Filter"];
                /** @description When Trackstar first copied the record */
                trackstar_created_date?: components["schemas"]["Filter"];
                /** @description When Trackstar's copy last changed */
                trackstar_updated_date?: components["schemas"]["Filter"];
                /** @description The connection to ask, by its name in `GET /connections`. Required if the key may use several */
                connection?: string;
            };
            header?: {
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    /** @description Revalidate before every reuse */
                    "Cache-Control"?: string;
                    /** @description Always read from Trackstar (RFC 9211) */
                    "Cache-Status"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProductPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["ConnectionNotFound"];
            406: components["responses"]["NotAcceptable"];
            414: components["responses"]["UriTooLong"];
            422: components["responses"]["UpstreamRejected"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            501: components["responses"]["NotSupportedByIntegration"];
            502: components["responses"]["BadGateway"];
            503: components["responses"]["ServiceUnavailable"];
            504: components["responses"]["UpstreamTimeout"];
            default: components["responses"]["AnyProblem"];
        };
    };
    getProduct: {
        parameters: {
            query?: {
                /** @description The merchant that owns the product. Required if several merchants share the SKU */
                warehouse_customer_id?: string;
                /** @description The connection to ask, by its name in `GET /connections`. Required if the key may use several */
                connection?: string;
            };
            header?: {
                /** @description How old the response may be: `no-cache` reads from Trackstar again, `max-age=N` accepts nothing older than N seconds, `only-if-cached` never reads from Trackstar. Without it, cached records are used and refreshed when they expire */
                "cache-control"?: string;
                /** @description The `ETag` of an earlier response. The answer is 304 if nothing has changed */
                "if-none-match"?: string;
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path: {
                /**
                 * @description The SKU in Trackstar: any string of 1 to 255 characters. Percent-encode it in a URL (`/` as `%2F`)
                 * @example SENCHA-100
                 */
                sku: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The product */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    Age: components["headers"]["Age"];
                    ETag: components["headers"]["ETag"];
                    /** @description With a mirror, `private, no-cache`: revalidate before every reuse, with the `ETag`. On demand, how long the response is fresh and how long after that it may be reused, in seconds, minus `Age` */
                    "Cache-Control"?: string;
                    "Cache-Status": components["headers"]["Cache-Status"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProductReply"];
                };
            };
            /** @description Not modified: `If-None-Match` has the current `ETag` */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    Age: components["headers"]["Age"];
                    ETag: components["headers"]["ETag"];
                    /** @description With a mirror, `private, no-cache`: revalidate before every reuse, with the `ETag`. On demand, how long the response is fresh and how long after that it may be reused, in seconds, minus `Age` */
                    "Cache-Control"?: string;
                    "Cache-Status": components["headers"]["Cache-Status"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["NotFound"];
            406: components["responses"]["NotAcceptable"];
            409: components["responses"]["SkuAmbiguous"];
            414: components["responses"]["UriTooLong"];
            422: components["responses"]["UpstreamRejected"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            501: components["responses"]["NotSupportedByIntegration"];
            502: components["responses"]["BadGateway"];
            503: components["responses"]["ServiceUnavailable"];
            504: components["responses"]["GatewayTimeout"];
            default: components["responses"]["AnyProblem"];
        };
    };
    searchProducts: {
        parameters: {
            query: {
                /**
                 * @description The text: 1 to 255 characters
                 * @example sencha
                 */
                q: string;
                /** @description The connection to ask, by its name in `GET /connections`. Required if the key may use several */
                connection?: string;
            };
            header?: {
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The products */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    /** @description Revalidate before every reuse */
                    "Cache-Control"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SearchResult"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["ConnectionNotFound"];
            406: components["responses"]["NotAcceptable"];
            414: components["responses"]["UriTooLong"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            501: components["responses"]["RequiresMirror"];
            /** @description [`mirror_loading`](problems#mirror_loading): Catalog is loading. [`overloaded`](problems#overloaded): Service overloaded */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    /** @description Errors are never cached */
                    "Cache-Control"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            default: components["responses"]["AnyProblem"];
        };
    };
    listInventory: {
        parameters: {
            query?: {
                /** @description Records per page. Default: 1000 */
                limit?: number;
                /** @description `next_token` of the previous page. Omit it for the first page */
                page_token?: string;
                /** @description Up to 100 ids, separated by commas. With it, Trackstar ignores all other filters */
                ids?: string;
                /** @description The SKU */
                sku?: components["schemas"]["TextFilter"];
                /** @description The merchant */
                warehouse_customer_id?: components["schemas"]["TextFilter"];
                /** @description The tags */
                trackstar_tags?: components["schemas"]["TextFilter"];
                /** @description Whether the item is active */
                active?: components["schemas"]["Filter"];
                /** @description When the warehouse system created the record */
                created_date?: components["schemas"]["Filter"];
                /** @description When the warehouse system last changed the record */
                updated_date?: components["schemas"]["Filter"];
                /** @description When Trackstar first copied the record */
                trackstar_created_date?: components["schemas"]["Filter"];
                /** @description When Trackstar's copy last changed */
                trackstar_updated_date?: components["schemas"]["Filter"];
                /** @description The connection to ask, by its name in `GET /connections`. Required if the key may use several */
                connection?: string;
            };
            header?: {
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    /** @description Revalidate before every reuse */
                    "Cache-Control"?: string;
                    /** @description Always read from Trackstar (RFC 9211) */
                    "Cache-Status"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InventoryItemPage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["ConnectionNotFound"];
            406: components["responses"]["NotAcceptable"];
            414: components["responses"]["UriTooLong"];
            422: components["responses"]["UpstreamRejected"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            501: components["responses"]["NotSupportedByIntegration"];
            502: components["responses"]["BadGateway"];
            503: components["responses"]["ServiceUnavailable"];
            504: components["responses"]["UpstreamTimeout"];
            default: components["responses"]["AnyProblem"];
        };
    };
    getInventoryItem: {
        parameters: {
            query?: {
                /** @description The connection to ask, by its name in `GET /connections`. Required if the key may use several */
                connection?: string;
            };
            header?: {
                /** @description How old the response may be: `no-cache` reads from Trackstar again, `max-age=N` accepts nothing older than N seconds, `only-if-cached` never reads from Trackstar. Without it, cached records are used and refreshed when they expire */
                "cache-control"?: string;
                /** @description The `ETag` of an earlier response. The answer is 304 if nothing has changed */
                "if-none-match"?: string;
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path: {
                /**
                 * @description Trackstar's id of the item
                 * @example inv_sencha
                 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The item */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    Age: components["headers"]["Age"];
                    ETag: components["headers"]["ETag"];
                    /** @description With a mirror, `private, no-cache`: revalidate before every reuse, with the `ETag`. On demand, how long the response is fresh and how long after that it may be reused, in seconds, minus `Age` */
                    "Cache-Control"?: string;
                    "Cache-Status": components["headers"]["Cache-Status"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InventoryItemReply"];
                };
            };
            /** @description Not modified: `If-None-Match` has the current `ETag` */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    Age: components["headers"]["Age"];
                    ETag: components["headers"]["ETag"];
                    /** @description With a mirror, `private, no-cache`: revalidate before every reuse, with the `ETag`. On demand, how long the response is fresh and how long after that it may be reused, in seconds, minus `Age` */
                    "Cache-Control"?: string;
                    "Cache-Status": components["headers"]["Cache-Status"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            /** @description [`inventory_item_not_found`](problems#inventory_item_not_found): Inventory item not found. [`connection_not_found`](problems#connection_not_found): Connection not found */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    /** @description Errors are never cached */
                    "Cache-Control"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["NotAcceptable"];
            414: components["responses"]["UriTooLong"];
            422: components["responses"]["UpstreamRejected"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            501: components["responses"]["NotSupportedByIntegration"];
            502: components["responses"]["BadGateway"];
            503: components["responses"]["ServiceUnavailable"];
            504: components["responses"]["GatewayTimeout"];
            default: components["responses"]["AnyProblem"];
        };
    };
    listProductsOfInventoryItem: {
        parameters: {
            query?: {
                /** @description The connection to ask, by its name in `GET /connections`. Required if the key may use several */
                connection?: string;
            };
            header?: {
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path: {
                /**
                 * @description Trackstar's id of the item
                 * @example inv_cup
                 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The products */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    /** @description Revalidate before every reuse */
                    "Cache-Control"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WhereUsed"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            /** @description [`inventory_item_not_found`](problems#inventory_item_not_found): Inventory item not found. [`connection_not_found`](problems#connection_not_found): Connection not found */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    /** @description Errors are never cached */
                    "Cache-Control"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["NotAcceptable"];
            414: components["responses"]["UriTooLong"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            501: components["responses"]["RequiresMirror"];
            /** @description [`mirror_loading`](problems#mirror_loading): Catalog is loading. [`overloaded`](problems#overloaded): Service overloaded */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    /** @description Errors are never cached */
                    "Cache-Control"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            default: components["responses"]["AnyProblem"];
        };
    };
    adjustInventoryItem: {
        parameters: {
            query?: {
                /** @description The connection to ask, by its name in `GET /connections`. Required if the key may use several */
                connection?: string;
            };
            header?: {
                /** @description Identifies this adjustment. Trackstar remembers it for 24 hours */
                "idempotency-key"?: string;
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path: {
                /**
                 * @description Trackstar's id of the item
                 * @example inv_tray
                 */
                id: string;
            };
            cookie?: never;
        };
        /** @description The change to make. Omit fields that do not apply: none may be null or empty */
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "quantity": 5,
                 *       "adjustment_type": "increase",
                 *       "warehouse_id": "wh_oslo"
                 *     }
                 */
                "application/json": components["schemas"]["Adjustment"];
            };
        };
        responses: {
            /** @description The adjustment was made */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    /** @description Never cached */
                    "Cache-Control"?: string;
                    "Idempotency-Key": components["headers"]["Idempotency-Key"];
                    "Idempotent-Replayed": components["headers"]["Idempotent-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Adjusted"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            /** @description [`inventory_item_not_found`](problems#inventory_item_not_found): Inventory item not found. [`connection_not_found`](problems#connection_not_found): Connection not found */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    /** @description Errors are never cached */
                    "Cache-Control"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["NotAcceptable"];
            409: components["responses"]["IdempotencyConflict"];
            413: components["responses"]["ContentTooLarge"];
            414: components["responses"]["UriTooLong"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["UpstreamRejected"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            501: components["responses"]["NotSupportedByIntegration"];
            502: components["responses"]["BadGateway"];
            503: components["responses"]["ServiceUnavailable"];
            504: components["responses"]["UpstreamTimeout"];
            default: components["responses"]["AnyProblem"];
        };
    };
    listWarehouses: {
        parameters: {
            query?: {
                /** @description Records per page. Default: 1000 */
                limit?: number;
                /** @description `next_token` of the previous page. Omit it for the first page */
                page_token?: string;
                /** @description Up to 100 ids, separated by commas. With it, Trackstar ignores all other filters */
                ids?: string;
                /** @description The connection to ask, by its name in `GET /connections`. Required if the key may use several */
                connection?: string;
            };
            header?: {
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    /** @description Revalidate before every reuse */
                    "Cache-Control"?: string;
                    /** @description Always read from Trackstar (RFC 9211) */
                    "Cache-Status"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WarehousePage"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            404: components["responses"]["ConnectionNotFound"];
            406: components["responses"]["NotAcceptable"];
            414: components["responses"]["UriTooLong"];
            422: components["responses"]["UpstreamRejected"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            501: components["responses"]["NotSupportedByIntegration"];
            502: components["responses"]["BadGateway"];
            503: components["responses"]["ServiceUnavailable"];
            504: components["responses"]["UpstreamTimeout"];
            default: components["responses"]["AnyProblem"];
        };
    };
    getWarehouse: {
        parameters: {
            query?: {
                /** @description The connection to ask, by its name in `GET /connections`. Required if the key may use several */
                connection?: string;
            };
            header?: {
                /** @description How old the response may be: `no-cache` reads from Trackstar again, `max-age=N` accepts nothing older than N seconds, `only-if-cached` never reads from Trackstar. Without it, cached records are used and refreshed when they expire */
                "cache-control"?: string;
                /** @description The `ETag` of an earlier response. The answer is 304 if nothing has changed */
                "if-none-match"?: string;
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path: {
                /**
                 * @description Trackstar's id of the warehouse
                 * @example wh_oslo
                 */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The warehouse */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    Age: components["headers"]["Age"];
                    ETag: components["headers"]["ETag"];
                    /** @description With a mirror, `private, no-cache`: revalidate before every reuse, with the `ETag`. On demand, how long the response is fresh and how long after that it may be reused, in seconds, minus `Age` */
                    "Cache-Control"?: string;
                    "Cache-Status": components["headers"]["Cache-Status"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WarehouseReply"];
                };
            };
            /** @description Not modified: `If-None-Match` has the current `ETag` */
            304: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    Age: components["headers"]["Age"];
                    ETag: components["headers"]["ETag"];
                    /** @description With a mirror, `private, no-cache`: revalidate before every reuse, with the `ETag`. On demand, how long the response is fresh and how long after that it may be reused, in seconds, minus `Age` */
                    "Cache-Control"?: string;
                    "Cache-Status": components["headers"]["Cache-Status"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            /** @description [`warehouse_not_found`](problems#warehouse_not_found): Warehouse not found. [`connection_not_found`](problems#connection_not_found): Connection not found */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    /** @description Errors are never cached */
                    "Cache-Control"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            406: components["responses"]["NotAcceptable"];
            414: components["responses"]["UriTooLong"];
            422: components["responses"]["UpstreamRejected"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            501: components["responses"]["NotSupportedByIntegration"];
            502: components["responses"]["BadGateway"];
            503: components["responses"]["ServiceUnavailable"];
            504: components["responses"]["GatewayTimeout"];
            default: components["responses"]["AnyProblem"];
        };
    };
    listConnections: {
        parameters: {
            query?: never;
            header?: {
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The connections */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "RateLimit-Limit": components["headers"]["RateLimit-Limit"];
                    "RateLimit-Remaining": components["headers"]["RateLimit-Remaining"];
                    "RateLimit-Reset": components["headers"]["RateLimit-Reset"];
                    /** @description Never cached */
                    "Cache-Control"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionList"];
                };
            };
            400: components["responses"]["ValidationFailed"];
            401: components["responses"]["Unauthorized"];
            406: components["responses"]["NotAcceptable"];
            414: components["responses"]["UriTooLong"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Overloaded"];
            default: components["responses"]["AnyProblem"];
        };
    };
    receiveWebhook: {
        parameters: {
            query?: never;
            header?: {
                /** @description Id of the delivery; the same for each retry */
                "svix-id"?: string;
                /** @description When it was signed, epoch seconds */
                "svix-timestamp"?: string;
                /** @description Id of the delivery; the same for each retry */
                "webhook-id"?: string;
                /** @description When it was signed, epoch seconds */
                "webhook-timestamp"?: string;
                /** @description `v1,` and the base64 HMAC-SHA256 of id, timestamp and body; several are separated by spaces */
                "webhook-signature"?: string;
                /** @description Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id */
                "x-request-id"?: string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description A webhook delivery from Trackstar, with the fields that this service uses */
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "connection_id": "conn_sandbox",
                 *       "event_type": "inventory.updated",
                 *       "data": {
                 *         "id": "inv_cup",
                 *         "warehouse_customer_id": "cust_aurora",
                 *         "name": "Cup, porcelain",
                 *         "sku": "CUP",
                 *         "external_system_url": null,
                 *         "trackstar_tags": [],
                 *         "additional_fields": {},
                 *         "unit_cost": null,
                 *         "measurements": {
                 *           "length": 20,
                 *           "width": 15,
                 *           "height": 10,
                 *           "unit": "cm",
                 *           "weight": 250,
                 *           "weight_unit": "g"
                 *         },
                 *         "active": true,
                 *         "onhand": 41,
                 *         "committed": 4,
                 *         "unfulfillable": 0,
                 *         "fulfillable": 37,
                 *         "sellable": 37,
                 *         "awaiting": 0,
                 *         "unsellable": 0,
                 *         "substitute_skus": [],
                 *         "inventory_by_warehouse_id": {
                 *           "wh_oslo": {
                 *             "onhand": 41,
                 *             "committed": 4,
                 *             "unfulfillable": 0,
                 *             "fulfillable": 37,
                 *             "sellable": 37,
                 *             "awaiting": 0,
                 *             "unsellable": 0
                 *           }
                 *         },
                 *         "lots": [],
                 *         "locations": [],
                 *         "created_date": "2025-02-10T07:30:00Z",
                 *         "updated_date": "2026-11-23T09:59:00Z",
                 *         "trackstar_created_date": "2025-02-11T01:00:00Z",
                 *         "trackstar_updated_date": "2026-11-23T10:00:00Z"
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["WebhookDelivery"];
            };
        };
        responses: {
            /** @description Accepted. Duplicates, other connections and unknown event types are accepted and ignored */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["ValidationFailed"];
            /** @description [`unauthorized`](problems#unauthorized): Missing or invalid credentials */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    /** @description Errors are never cached */
                    "Cache-Control"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["ContentTooLarge"];
            414: components["responses"]["UriTooLong"];
            415: components["responses"]["UnsupportedMediaType"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Overloaded"];
            default: components["responses"]["AnyProblem"];
        };
    };
}
