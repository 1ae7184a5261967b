/** Sockets and connections. */
import { assertRelations } from "../../limits.ts";
import { KIB, MIB } from "../../limits.ts";
import { BURST_BYTES } from "../../wire/limits.ts";

/** Addresses of one host's name that are asked; a name that stands for more is asked at the first ones. */
export const HOST_ADDRESSES_MAX = 8;
/** Connections served at once; further ones are refused with a message. */
export const SESSIONS_MAX = 256;
/** The share of a process's descriptors that sessions may take: each may hold a socket and two files. */
export const SESSIONS_DESCRIPTORS_SHARE = 1 / 4;
/**
 * The share of a listener's connections that one address may have, which a completed handshake proves. The rest is
 * for others at once; they get more as soon as all are taken.
 */
export const ADDRESS_SHARE_MAX = 7 / 8;
/** A session that has been silent for this long makes room when there is none left. */
export const CROWDED_SILENT_MS = 5_000;
/** … and one whose first request is not complete this long after it connected, however much of it comes meanwhile. */
export const CROWDED_ASKING_MS = 1_000;
/** Connections being refused with a message at once; further ones are disconnected. */
export const CROWD_MAX = 64;
/** … and as a share of those that are served. */
export const CROWD_SHARE = 1 / 4;
/** Connections to the metrics port at once, and the share of the descriptors that they may take. */
export const METRICS_CONNECTIONS_MAX = 128;
export const METRICS_DESCRIPTORS_SHARE = 1 / 8;
/** … of which one address may have so many: most who watch are on this machine. */
export const METRICS_ADDRESS_SHARE_MAX = 1 / 2;
/** The head of a request for metrics must be complete by then, and the answer be taken. */
export const METRICS_REQUEST_MS = 5_000;
/**
 * One whose request is not complete makes room at once when there is none left, the oldest first: whoever sends its request with
 * the connection is answered before its turn comes.
 */
export const METRICS_ASKING_MS = 0;
/** One that has its request in and takes nothing of the answer for this long makes room, too. */
export const METRICS_SILENT_MS = 250;
/** Connections to the page at once, and the share of the descriptors that they may take: each may hold a socket and a file. */
export const HTTP_CONNECTIONS_MAX = 1_024;
export const HTTP_DESCRIPTORS_SHARE = 1 / 4;
/** … of which one address may have so many: a browser has six, but many may be behind one address. */
export const HTTP_ADDRESS_SHARE_MAX = 1 / 2;
/** The head of a request must be complete by then, the next one must come by then, and something of an answer be taken. */
export const HTTP_IDLE_MS = 30_000;
/** Where there is no place left, one makes room that has not asked for anything this long after it connected … */
export const HTTP_ASKING_MS = 1_000;
/** … or that has been silent for so long: a browser connects again when it needs to. */
export const HTTP_SILENT_MS = 5_000;
/** One read of a file being sent, and one write to the connection: what an answer under way keeps in memory, at first … */
export const HTTP_PIECE_BYTES_MIN = 64 * KIB;
/** … and once the peer takes such a piece in less than this, so that who is slow keeps little. */
export const HTTP_PIECE_BYTES = 512 * KIB;
export const HTTP_QUICK_PIECE_MS = 50;
/** … and by when such a piece must have been taken: who is slower than that is dropped. */
export const HTTP_PIECE_MS = 120_000;
/** Answers of bytes at once, of all and of one address; more are told to come again. */
export const HTTP_STREAMS_MAX = 256;
export const HTTP_STREAMS_PER_ADDRESS_MAX = 64;
/** Requests per second of one connection; those of an address have their factor, and more wait. */
export const HTTP_REQUESTS_PER_S = 200;
/** Units of work that the requests of one address may cause in a second: a file that is listed is one. More wait. */
export const HTTP_WORK_PER_S = 100_000;
/** So many bytes of a body (or its rest) must arrive in that time. */
export const SESSION_PACE_BYTES = 256 * KIB;
/** One read of a connection. */
export const SESSION_READ_BYTES = 64 * KIB;
/** Requests per second that a session may make, and how many at once; more wait. */
export const SESSION_REQUESTS_PER_S = 100;
export const SESSION_REQUESTS_BURST = 200;
/** One address may make this many times as many, over all its connections and those that have closed. */
export const REQUESTS_PER_ADDRESS_FACTOR = 4;
/** Addresses whose requests are remembered, and for how long after the last connection. */
export const REQUEST_RATES_KEPT_MAX = 4_096;
export const REQUEST_RATES_KEPT_MS = 60_000;
/** How long the first message of a refused peer is waited for. */
export const CROWD_IDLE_MS = 2_000;
/** … and all of those that are arriving at the same time. */
export const UPLOAD_MESSAGES_BYTES_MAX = 192 * MIB;
/** … and those of one address, so that there is room for the message of another. */
export const UPLOAD_MESSAGES_PER_ADDRESS_BYTES_MAX = 128 * MIB;
/** After a refusal in the middle of a body, so much more is read, so that the peer gets to the reason. */
export const LINGER_BYTES_MAX = 64 * MIB;
export const LINGER_MS = 2_000;
/** One read of a file being sent, and one write to the connection. */
export const SESSION_SEND_BYTES = 256 * KIB;
/** Errors in a row after which a socket counts as broken. */
export const RECEIVE_FAILURES_MAX = 100;
/** Receives in a row before a thread handles other events. */
export const RECEIVES_PER_TURN = 16;
/** A helper thread waits for datagrams this long at a time: so long it may outlive the worker that asked. */
export const POLL_MS_MAX = 1_000;
/** For how long it is remembered how many addresses this machine has. */
export const ADDRESSES_MEMORY_MS = 5_000;
/** A thread itself waits for datagrams this long at most, where they come this fast one after another. */
export const BRIEF_WAIT_MS = 1;
/** Other events in such a thread get their turn after this long. */
export const TURN_MS_MAX = 0.5;
/** Datagrams delayed at once; further ones are dropped instead. */
export const FAULT_DELAYED_DATAGRAMS_MAX = 4_096;
/** Receive buffer where the socket's own is not known. */
export const SOCKET_BUFFER_BYTES_UNKNOWN = 64 * KIB;
/** Receive and send buffers requested from the kernel. */
export const SOCKET_BUFFER_BYTES_WANTED = 4 * MIB;
/** After a send that the system had no room for, before it is tried again, in milliseconds; then it counts as lost. */
export const NO_ROOM_PAUSES_MS = [1, 2, 4, 8, 16] as const;
/** Control datagrams that wait for a socket. */
export const QUEUED_DATAGRAMS_MAX = 1_024;
/** Datagrams that the kernel cuts one send into, and their bytes together: what UDP can carry. */
export const SEND_SEGMENTS_MAX = 64;
export const SEND_BYTES_MAX = 65_507;
/** After a failed accept, before the next. */
export const ACCEPT_PAUSE_MS = 100;
/** How much may pass at once after a pause. */
export const THROTTLE_BURST_MS = 50;
export const DESCRIPTOR_MAX = 4_096;
/** How long interfaces that were not found are not looked for again. */
export const INTERFACES_MEMORY_MS = 1_000;
/** A server looks this often whether its machine has got or lost an IPv6 address. */
export const ADDRESSES_REVIEW_MS = 2_000;
/** IPv6 addresses and groups of this machine at which one port is open, each with a socket of its own. */
export const ADDRESS_SOCKETS_MAX = 64;
/** Links towards which a client has a socket of its own. */
export const LINK_SOCKETS_MAX = 32;
/** Addresses that a sweep asks, of four networks of 254. */
export const SWEEP_ADDRESSES_MAX = 1_016;
/** … and how many a second. */
export const SWEEP_PER_S = 100;
/** Ports that are tried where any would do and each is taken at one of the addresses. */
export const ANY_PORT_TRIES_MAX = 8;
/** One read of a connection that carries chunks. */
export const STREAM_READ_BYTES = 256 * KIB;

assertRelations([
  [BURST_BYTES <= SEND_BYTES_MAX, "a burst is one send"],
]);
