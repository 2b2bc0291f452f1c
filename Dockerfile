# The service as one container. Built with all dependencies, shipped with production dependencies only, runs as non-root.
FROM node:24-bookworm-slim AS manifest
WORKDIR /app
COPY package.json package-lock.json .npmrc ./

FROM manifest AS build
RUN --mount=type=cache,target=/root/.npm npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

FROM manifest AS dependencies
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="trackstar-bff" \
      org.opencontainers.image.description="Stock of a SKU in one call: a REST backend-for-frontend over the Trackstar WMS API" \
      org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production \
    HOST=0.0.0.0
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY openapi/examples.json ./openapi/
COPY --from=build /app/dist ./dist
USER node
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/livez`).then((reply) => process.exit(reply.ok ? 0 : 1), () => process.exit(1))"]
# Node is process 1 and receives SIGTERM itself, without npm or a shell in between.
# V8 lets the old generation grow a lot before it collects. Requests that waited a second for upstream have been promoted
# to it by then: under a flood that is 200 MB of garbage, and 60 MB when it grows by 30 % at most.
#
# While the catalog loads, V8 sees that most new objects live on, and may decide to create those of the same code in the old
# generation from then on. Requests run that code too: their garbage would be freed only by full collections, which doubles
# the CPU time of a request. So V8 is told not to decide that.
CMD ["node", "--heap-growing-percent=30", "--no-allocation-site-pretenuring", "dist/main.js"]
