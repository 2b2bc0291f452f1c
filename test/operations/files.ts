import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'

const root = join(import.meta.dirname, '..', '..', '..')

export const read = (file: string): string => readFileSync(join(root, file), 'utf8')

export interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

export const alertRules: readonly AlertRule[] = (
  parse(read('docs/alerts.yml')) as { groups: { rules: AlertRule[] }[] }
).groups.flatMap(({ rules }) => rules)

export interface ComposeService {
  readonly build?: string
  readonly image: string
  readonly command?: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly healthcheck: { readonly test: readonly string[] }
  readonly ports?: readonly string[]
  readonly configs?: readonly { readonly source: string }[]
  readonly [key: string]: unknown
}

export interface Compose {
  readonly services: Readonly<Record<'bff' | 'sandbox' | 'prometheus' | 'grafana', ComposeService>>
  readonly configs: Readonly<Record<string, { readonly file?: string; readonly content?: string }>>
}

export const compose = parse(read('compose.yaml'), { merge: true }) as Compose

/** What `compose.connections.yaml` adds to `compose.yaml`. */
export const composeConnections = parse(read('compose.connections.yaml')) as {
  readonly services: Readonly<
    Record<
      'bff' | 'sandbox',
      { readonly environment: ComposeService['environment']; readonly volumes?: readonly string[] }
    >
  >
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
}

export interface Container {
  readonly image: string
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
  readonly envFrom: readonly Readonly<Record<string, { readonly name: string }>>[]
  readonly startupProbe: Probe
  readonly livenessProbe: Probe
  readonly readinessProbe: Probe
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } }
  readonly resources: Readonly<Record<'requests' | 'limits', Readonly<Record<string, string>>>>
  readonly securityContext: unknown
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly: boolean }[]
}

interface PodTemplate {
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>
    readonly annotations: Readonly<Record<string, string>>
  }
  readonly spec: {
    readonly terminationGracePeriodSeconds: number
    readonly securityContext: unknown
    readonly containers: readonly [Container]
    readonly volumes?: readonly { readonly name: string; readonly secret: { readonly secretName: string } }[]
  }
}

export interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly data?: Readonly<Record<string, string>>
  readonly stringData?: Readonly<Record<string, string>>
  readonly spec: {
    readonly replicas: number
    readonly selector: unknown
    readonly podSelector: unknown
    readonly ports: readonly { readonly targetPort: string }[]
    readonly ingress: readonly { readonly ports: readonly { readonly port: string }[] }[]
    readonly template: PodTemplate
  }
}

type Manifests = readonly [Manifest, ...Manifest[]]

/** The manifests of a file. */
export const manifestsIn = (file: string): readonly Manifest[] =>
  parseAllDocuments(read(file)).map((document) => document.toJS() as Manifest)

const manifests = manifestsIn('docs/kubernetes.yaml')

/** The manifests of a kind, by default those for one connection; throws if there are none. */
export function manifestsOf(kind: string, all = manifests): Manifests {
  const [first, ...more] = all.filter((manifest) => manifest.kind === kind)
  if (first === undefined) throw new Error(`there is no ${kind}`)
  return [first, ...more]
}

export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly datasource?: { readonly uid: string }
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

export interface Dashboard {
  readonly uid: string
  readonly annotations: { readonly list: readonly { readonly expr: string }[] }
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query: unknown }[]
  }
  readonly panels: readonly Panel[]
}

export const dashboard = JSON.parse(read('docs/grafana-dashboard.json')) as Dashboard

/** The facts of the image: its variables, user, port and command. */
export const image = {
  environment: Object.fromEntries(
    Array.from(read('Dockerfile').matchAll(/^(?:ENV +| +)([A-Z_]+)=(\S+?)(?: \\)?$/gm), ([, name = '', value = '']) => [
      name,
      value,
    ]),
  ),
  user: /^USER (\S+)$/m.exec(read('Dockerfile'))?.[1],
  port: Number(/^EXPOSE (\d+)$/m.exec(read('Dockerfile'))?.[1]),
  healthPath: /\}(\/\w+)`/.exec(read('Dockerfile'))?.[1],
}
