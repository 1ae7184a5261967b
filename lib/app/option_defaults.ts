/**
 * What an option is where the caller leaves it out. A use case resolves its options here, once, and works
 * with the resolved ones from then on; the tables of the command line show the same values.
 *
 * What has no default stays absent: a signal, a handler, a seed that is drawn, a port that is found.
 */
import { LOOPBACK_ADDRESS, UNSPECIFIED_ADDRESS } from "../address.ts";
import { DISCOVERY_PORT, MASTER_PORT } from "../limits.ts";
import {
  CLASSIC_CHUNK_BYTES_DEFAULT,
  CODE_GET_TIMEOUT_MS,
  JOBS_DEFAULT,
  LIST_PATIENCE_MS,
  OFFERED_PAGE_DEFAULT,
  RETRIES_DEFAULT,
  TIMEOUT_MS_DEFAULT,
  UPLOAD_BYTES_DEFAULT,
  UPLOAD_ENTRIES_DEFAULT,
  UPLOAD_ENTRIES_PER_HOST_DEFAULT,
  WAIT_MS_DEFAULT,
} from "./limits.ts";
import type { CodeGetOptions, SendOptions } from "./code_options.ts";
import type { OfferedQuery } from "./offering.ts";
import type { DoctorOptions } from "./doctor_options.ts";
import type {
  EchoClientOptions,
  EchoServerOptions,
  FindOptions,
  GetOptions,
  ListOptions,
  MasterOptions,
  NetworkOptions,
  PutOptions,
  ServeOptions,
  TcpGetOptions,
  TcpListOptions,
} from "./options.ts";

export const NETWORK_DEFAULTS = {
  port: DISCOVERY_PORT,
  tune: true,
  interfaces: [],
  exceptInterfaces: [],
  layers: [],
} satisfies NetworkOptions;
const FIND = { ...NETWORK_DEFAULTS, servers: [], masters: [], sweep: false } satisfies FindOptions;
const SESSION = {
  port: DISCOVERY_PORT,
  dialect: "shoal",
  layers: NETWORK_DEFAULTS.layers,
  timeoutMs: TIMEOUT_MS_DEFAULT,
} as const;

export const SERVE_DEFAULTS = {
  ...NETWORK_DEFAULTS,
  host: UNSPECIFIED_ADDRESS,
  metricsHost: LOOPBACK_ADDRESS,
  folders: [],
  files: [],
  contents: [],
  streams: [],
  classic: true,
  classicChunkBytes: CLASSIC_CHUNK_BYTES_DEFAULT,
  hidden: false,
  allowUpload: false,
  uploadBytesMax: UPLOAD_BYTES_DEFAULT,
  uploadQuotaBytes: Infinity,
  uploadQuotaPerHostBytes: Infinity,
  uploadEntriesMax: UPLOAD_ENTRIES_DEFAULT,
  uploadEntriesPerHostMax: UPLOAD_ENTRIES_PER_HOST_DEFAULT,
  rateBytesPerS: 0,
  errorRate: 0,
  masters: [],
} satisfies Partial<ServeOptions>;

const SEND_DEFAULTS = {
  ...NETWORK_DEFAULTS,
  files: [],
  folders: [],
  contents: [],
  hidden: false,
  rateBytesPerS: 0,
  masters: [],
} satisfies Partial<SendOptions>;

export const GET_DEFAULTS = {
  ...FIND,
  timeoutMs: TIMEOUT_MS_DEFAULT,
  retries: RETRIES_DEFAULT,
  force: false,
  links: false,
  check: false,
  mirror: false,
  dryRun: false,
  sparse: true,
  portableNames: false,
  pack: true,
  share: true,
  shareRateBytesPerS: 0,
  jobs: JOBS_DEFAULT,
  rateBytesPerS: 0,
} satisfies Partial<GetOptions>;

export const TCP_GET_DEFAULTS = {
  ...SESSION,
  retries: RETRIES_DEFAULT,
  force: false,
  links: false,
  check: false,
  mirror: false,
  dryRun: false,
  sparse: true,
  portableNames: false,
  jobs: GET_DEFAULTS.jobs,
  rateBytesPerS: 0,
} satisfies Partial<TcpGetOptions>;

export const LIST_DEFAULTS = {
  ...FIND,
  timeoutMs: LIST_PATIENCE_MS,
  retries: 1,
} satisfies Partial<ListOptions>;

export const DOCTOR_DEFAULTS = {
  ...NETWORK_DEFAULTS,
  servers: [],
  machineOnly: false,
  outDir: "./downloads",
} satisfies Partial<DoctorOptions> & NetworkOptions;

const TCP_LIST_DEFAULTS = {
  ...SESSION,
  retries: LIST_DEFAULTS.retries,
} satisfies Partial<TcpListOptions>;

export const PUT_DEFAULTS = {
  ...SESSION,
  retries: RETRIES_DEFAULT,
  rateBytesPerS: 0,
} satisfies Partial<PutOptions>;

export const MASTER_DEFAULTS = {
  host: UNSPECIFIED_ADDRESS,
  metricsHost: LOOPBACK_ADDRESS,
  port: MASTER_PORT,
  layers: NETWORK_DEFAULTS.layers,
  // A file in the cache folder.
  store: "sqlite:",
} satisfies Partial<MasterOptions>;

export const ECHO_SERVER_DEFAULTS = {
  chunkBytes: CLASSIC_CHUNK_BYTES_DEFAULT,
  errorRate: 0,
  layers: NETWORK_DEFAULTS.layers,
} satisfies Partial<EchoServerOptions>;

const ECHO_CLIENT_DEFAULTS = {
  layers: NETWORK_DEFAULTS.layers,
} satisfies Partial<EchoClientOptions>;

/** What a get by a code has no default of its own for. */
const CODE_GET_DEFAULTS = {
  ...GET_DEFAULTS,
  timeoutMs: CODE_GET_TIMEOUT_MS,
} satisfies Partial<GetOptions>;

/** `Options` of which everything that has a default is there. */
type Resolved<Options, Defaults> =
  & Omit<Options, keyof Defaults>
  & { readonly [Key in keyof Defaults & keyof Options]-?: Exclude<Options[Key], undefined> };

/** Of a page of what is offered. */
const OFFERED_DEFAULTS = { countMax: OFFERED_PAGE_DEFAULT } satisfies OfferedQuery;

export type ResolvedServeOptions = Resolved<ServeOptions, typeof SERVE_DEFAULTS>;
export type ResolvedFindOptions = Resolved<FindOptions, typeof LIST_DEFAULTS>;
export type ResolvedGetOptions = Resolved<GetOptions, typeof GET_DEFAULTS>;
export type ResolvedTcpGetOptions = Resolved<TcpGetOptions, typeof TCP_GET_DEFAULTS>;
export type ResolvedListOptions = Resolved<ListOptions, typeof LIST_DEFAULTS>;
export type ResolvedSendOptions = Resolved<SendOptions, typeof SEND_DEFAULTS>;
export type ResolvedCodeGetOptions = Resolved<CodeGetOptions, typeof CODE_GET_DEFAULTS>;
type ResolvedDoctorOptions =
  & Omit<ResolvedListOptions, "onEvent">
  & Resolved<DoctorOptions, typeof DOCTOR_DEFAULTS>;
type ResolvedTcpListOptions = Resolved<TcpListOptions, typeof TCP_LIST_DEFAULTS>;
export type ResolvedPutOptions = Resolved<PutOptions, typeof PUT_DEFAULTS>;
export type ResolvedMasterOptions = Resolved<MasterOptions, typeof MASTER_DEFAULTS>;
type ResolvedEchoClientOptions = Resolved<EchoClientOptions, typeof ECHO_CLIENT_DEFAULTS>;
type ResolvedEchoServerOptions = Resolved<EchoServerOptions, typeof ECHO_SERVER_DEFAULTS>;

export function resolveServe(options: ServeOptions): ResolvedServeOptions {
  return resolved(options, SERVE_DEFAULTS);
}

export function resolveOffered(
  query: OfferedQuery = {},
): Resolved<OfferedQuery, typeof OFFERED_DEFAULTS> {
  return resolved(query, OFFERED_DEFAULTS);
}

export function resolveSend(options: SendOptions): ResolvedSendOptions {
  return resolved(options, SEND_DEFAULTS);
}

export function resolveCodeGet(options: CodeGetOptions): ResolvedCodeGetOptions {
  return resolved(options, CODE_GET_DEFAULTS);
}

export function resolveGet(options: GetOptions): ResolvedGetOptions {
  return resolved(options, GET_DEFAULTS);
}

/** How long a search goes on in which nobody at all has answered. */
export function searchWaitMs(
  { waitMs, timeoutMs, retries }: Pick<ResolvedFindOptions, "waitMs" | "timeoutMs" | "retries">,
): number {
  return waitMs ?? Math.min(WAIT_MS_DEFAULT, timeoutMs * retries);
}

export function resolveTcpGet(options: TcpGetOptions): ResolvedTcpGetOptions {
  return resolved(options, TCP_GET_DEFAULTS);
}

export function resolveList(options: ListOptions): ResolvedListOptions {
  return resolved(options, LIST_DEFAULTS);
}

export function resolveTcpList(options: TcpListOptions): ResolvedTcpListOptions {
  return resolved(options, TCP_LIST_DEFAULTS);
}

export function resolveDoctor(options: DoctorOptions): ResolvedDoctorOptions {
  return { ...LIST_DEFAULTS, ...resolved(options, DOCTOR_DEFAULTS) };
}

export function resolvePut(options: PutOptions): ResolvedPutOptions {
  return resolved(options, PUT_DEFAULTS);
}

export function resolveMaster(options: MasterOptions): ResolvedMasterOptions {
  return resolved(options, MASTER_DEFAULTS);
}

export function resolveEchoClient(options: EchoClientOptions): ResolvedEchoClientOptions {
  return resolved(options, ECHO_CLIENT_DEFAULTS);
}

export function resolveEchoServer(options: EchoServerOptions): ResolvedEchoServerOptions {
  return resolved(options, ECHO_SERVER_DEFAULTS);
}

/** An option that is there but undefined counts as left out: callers in JavaScript may do that. */
function resolved<Options extends object, Defaults extends object>(
  options: Options,
  defaults: Defaults,
): Resolved<Options, Defaults> {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(given) } as Resolved<Options, Defaults>;
}
