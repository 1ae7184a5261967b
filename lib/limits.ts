/**
 * Every limit and default, by name and unit, in one place. Each says what it bounds. The relations
 * that the code relies on are asserted at the end: change a number and the program refuses to start
 * rather than misbehave later.
 */

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;
export const TIB = 1024 * GIB;

// — Ports ————————————————————————————————————————————————————————————————————————————————————————
/** Discovery and classic; shared by every server of a host. */
export const DISCOVERY_PORT = 10526;
/** Each server's own data port is the first free one of this range. */
export const DATA_PORT_FIRST = 10530;
export const DATA_PORT_LAST = 10545;

// — Sessions over TCP ————————————————————————————————————————————————————————————————————————————
/** Peers that are served at once; more are told so. */
export const SESSIONS_MAX = 256;
/** Of those that are only told so; more are cut off. */
export const CROWD_MAX = 64;
/** A peer that sends nothing for this long, or takes this long for one message, is left. */
export const SESSION_IDLE_MS = 60_000;
/** Of a body, so many bytes (or the rest) must come in that time. */
export const SESSION_PACE_BYTES = 256 * KIB;
/** After this long without a byte an ASCII message that could be whole is taken as whole. */
export const ASCII_QUIET_MS = 250;
/** After this long without a byte what begins like an error, and not like a file, is one. */
export const ASCII_ERROR_QUIET_MS = 2_000;
/** One read of a connection. */
export const SESSION_READ_BYTES = 64 * KIB;
/** Requests a second that a session may make, and how many at once; more wait. */
export const SESSION_REQUESTS_PER_S = 100;
export const SESSION_REQUESTS_BURST = 200;
/** How long one that is only told so is listened to. */
export const CROWD_IDLE_MS = 2_000;
/** A line of the ASCII dialect. */
export const SESSION_LINE_BYTES_MAX = 2 * KIB;
/** A JSON message without a file in it. */
export const SESSION_COMMAND_BYTES_MAX = 256 * KIB;
/** A JSON message with a whole file in it … */
export const UPLOAD_MESSAGE_BYTES_MAX = 64 * MIB;
/** … and all of those that are arriving at the same time. */
export const UPLOAD_MESSAGES_BYTES_MAX = 160 * MIB;
/** A refused message is passed over up to this length; beyond it the connection ends. */
export const SESSION_SKIP_BYTES_MAX = 512 * MIB;
/** One frame of a body. */
export const BODY_FRAME_BYTES_MAX = MIB;
/** One write of an upload, and what the digest worker is given at a time. */
export const UPLOAD_BUFFER_BYTES = MIB;
/** Such buffers of all uploads together. */
export const UPLOAD_BUFFERS_MAX = 8;
/** What an upload left that broke off is kept for this long. */
export const UPLOAD_KEEP_MS = 3_600_000;
/** How often it is looked for what was kept long enough. */
export const UPLOAD_SWEEP_MS = 600_000;
/** Largest file that is taken by default. */
export const UPLOAD_BYTES_DEFAULT = GIB;
/** After a refusal in the middle of a body so much more is read, so that the peer reads the reason. */
export const LINGER_BYTES_MAX = 64 * MIB;
export const LINGER_MS = 2_000;
/** One read of a file that is sent, and one write of it. */
export const SESSION_SEND_BYTES = 256 * KIB;
/** How long an answer waits for MD5s that nobody has asked for before. */
export const MD5_PATIENCE_MS = 10_000;
/** A listing in the ASCII dialect. */
export const ASCII_LISTING_BYTES_MAX = 64 * MIB;
/** Rounds of one round trip in which each brings more of the file. */
export const FRESH_ROUNDS_MAX = 64;
/** After a connection broke off the next is tried after this, then after twice as long …, up to: */
export const RECONNECT_PAUSE_MS = 500;
export const RECONNECT_PAUSE_MS_MAX = 4_000;
/** Between two questions for a file that the server is still hashing. */
export const PENDING_PAUSE_MS = 500;
/** Uploads of one round trip after the first. */
export const MAX_RETRIES_DEFAULT = 3;
export const MAX_RETRIES_MAX = 100;
/** Of the demo's file, what goes to and fro in the JSON dialect. */
export const DEMO_ECHO_BYTES_MAX = 2 * MIB;
/** Port of the existing programs of both dialects. */
export const DIALECT_PORT = 9999;
/** How long a client waits for a server to bring an upload to its disk. */
export const STORE_PATIENCE_MS = 600_000;
/** How deep JSON may be, and how many values it may hold. */
export const JSON_DEPTH_MAX = 16;
export const JSON_NODES_MAX = 100_000;
/** Files of one answer to a listing. */
export const LISTED_FILES_PER_STEP = 100;
/** Chunks that are sent back travel together up to about this size. */
export const ECHO_BATCH_BYTES = 64 * KIB;
/** Bytes that a chunk is spoilt in on purpose, at most. */
export const ECHO_FLIPPED_BYTES_MAX = 10;

// — The master ———————————————————————————————————————————————————————————————————————————————————
export const MASTER_PORT = 10527;
/** A lease that is not renewed ends after this … */
export const REGISTRY_LEASE_MS = 10_000;
/** … and is renewed at least this often. */
export const REGISTRY_RENEW_MS = 3_000;
/** A master that neither answers a request nor asks for patience for this long is left. */
export const REGISTRY_ANSWER_MS = 8_000;
/** A master that was lost is tried again after about this, then after twice as long …, up to: */
export const REGISTRY_RETRY_MS = 500;
export const REGISTRY_RETRY_MS_MAX = 4_000;
/** Servers and clients that a master talks with at once. */
export const MASTER_CONNECTIONS_MAX = 8_192;
/** Requests of one peer beyond this wait. */
export const MASTER_REQUESTS_PER_S = 2_000;
/** What a master says at once: pages of files with their servers. */
export const MASTER_MESSAGE_BYTES_MAX = 8 * MIB;
/** A client waits this long for a master; broadcasts go on meanwhile. */
export const MASTER_PATIENCE_MS = 3_000;
/** As long as something is looked for, masters are asked again this often. */
export const MASTER_POLL_MS = 3_000;
/** Servers that a master names, of one search. */
export const INVITED_MAX = 1_024;
/** Leases that have run out are swept up this often … */
export const REGISTRY_SWEEP_MS = 2_000;
/** … when they have counted for nothing for this long, so that a master that restarts finds them. */
export const REGISTRY_KEEP_MS = 60_000;
/** Files that a server registers, or a client is told of, in one message. */
export const REGISTRY_PAGE_FILES = 200;
/**
 * Between two pieces of work that take a master milliseconds, others have so many turns: to connect, to
 * ask and to be answered takes a few.
 */
export const REGISTRY_TURNS = 8;
/** Questions of one `locate`. */
export const LOCATE_QUERIES_MAX = 200;
/** Of one content under one name. */
export const LOCATED_SERVERS_MAX = 32;
/** Changes that are remembered for those who ask what is new. */
export const REGISTRY_CHANGES_MAX = 100_000;

// — Files and names ——————————————————————————————————————————————————————————————————————————————
/** Largest file that is offered or accepted. */
export const FILE_BYTES_MAX = 16 * TIB;
/** The last time that a Date holds. */
export const MTIME_MS_MAX = 8.64e15;
export const NAME_BYTES_MAX = 1024;
export const NAME_COMPONENT_BYTES_MAX = 255;
/** Files of one served folder; beyond it the rest is reported and left out. */
export const CATALOGUE_ENTRIES_MAX = 1_000_000;
export const FOLDER_DEPTH_MAX = 64;
/** A file modified more recently is not offered yet: it may still be growing. */
export const SETTLE_MS = 2_000;
/** Pause between two looks at the served folder, at least; long scans stretch it. */
export const RESCAN_INTERVAL_MS = 2_000;

// — The index ————————————————————————————————————————————————————————————————————————————————————
/** A scan works this long before it lets other events in. */
export const SCAN_TURN_MS = 5;
/** The pause between two scans is at least this many times what a scan takes. */
export const RESCAN_STRETCH = 20;
/** After a hint that the folder changed, it must be quiet for this long before it is scanned. */
export const WATCH_QUIET_MS = 200;
/** Left-out files and folders that are named one by one, over a server's life. */
export const LEFT_OUT_NOTICES_MAX = 100;
/** Files that are hashed at once. */
export const INDEXERS_MAX = 4;
/** Files that one indexer is given at a time: more than one, so that it need not wait for the next. */
export const JOBS_PER_INDEXER_MAX = 8;
/** An indexer without work is ended after this. */
export const INDEXER_IDLE_MS = 10_000;
/** One read of a file that is hashed: what it brings should still be in the cache when it is hashed twice. */
export const HASH_READ_BYTES = 256 * KIB;
/** How long a server waits for another one that writes to the index they share. */
export const INDEX_BUSY_MS = 250;
/** A row of the index that no server has used for this long is dropped … */
export const INDEX_KEEP_MS = 90 * 24 * 3_600_000;
/** … at most this many at a time. */
export const INDEX_ROWS_PRUNED_MAX = 10_000;
/** That a row was used is noted no more often than this. */
export const INDEX_USED_GRAIN_MS = 24 * 3_600_000;
/** Layers kept in memory for answering, at least one whatever its size. */
export const LAYER_CACHE_BYTES_MAX = 16 * MIB;
/** Edits between two names that are still called similar. */
export const SIMILAR_DISTANCE_MAX = 8;
/** Character comparisons that one search for similar names may take. */
export const SIMILAR_COMPARISONS_MAX = 1_000_000;

// — Blocks and chunks ————————————————————————————————————————————————————————————————————————————
export const HASH_BYTES = 32;
/** Leaf of the Merkle tree (BEP 52). */
export const BLOCK_BYTES = 16 * KIB;
/** Where blocks are hashed more slowly one by one, four at a time are quicker. */
export const GROUP_HASHING_BELOW_BYTES_PER_MS = 500_000;
export const CHUNK_BYTES_MIN = 64 * KIB;
export const CHUNK_BYTES_MAX = 1 * MIB;
/** Chunks grow to {@linkcode CHUNK_BYTES_MAX} to stay within this count. */
export const CHUNKS_WANTED_MAX = 4096;
/** Hashes in one page of the layer. */
export const LAYER_PAGE_HASHES = 16;
/** Sibling hashes that can be needed to prove a page: the height of the tallest tree above a page. */
export const LAYER_PROOF_HASHES_MAX = 20;

// — Datagrams ————————————————————————————————————————————————————————————————————————————————————
/** A FIND is padded to this, so that no answer without a token is longer than the question. */
export const FIND_BYTES_MIN = 1_200;
/** Default and bounds of a data datagram (UDP payload). */
export const MTU_BYTES_DEFAULT = 1_400;
export const MTU_BYTES_FALLBACK = 1_200;
export const MTU_BYTES_MIN = 576;
export const MTU_BYTES_MAX = 8_900;
/** Errors in a row after which a socket counts as broken. */
export const RECEIVE_FAILURES_MAX = 100;
/** Largest datagram or joined buffer that a socket hands over. */
export const RECEIVE_BUFFER_BYTES = 65_536;
/** Receives in a row before a thread looks at whatever else has happened. */
export const RECEIVES_PER_TURN = 16;
/** Control frames are never longer. */
export const CONTROL_BYTES_MAX = 1_400;
export const TOKEN_BYTES = 16;
export const SERVER_ID_BYTES = 16;
/** Ids that a repeated FIND lists as already heard. */
export const FIND_KNOWN_IDS_MAX = 16;
/** Names that one FIND asks for. */
export const FIND_QUERIES_MAX = 64;
/** Ranges that one WANT asks for. */
export const WANT_RANGES_MAX = 64;
/** Layer pages that one LAYER_WANT asks for. */
export const LAYER_PAGES_PER_WANT_MAX = 16;
/** Similar names in one ABSENT. */
export const SIMILAR_NAMES_MAX = 3;
/** Listing datagrams that one LIST asks for. */
export const LISTING_PAGES_PER_LIST_MAX = 16;

// — Discovery ————————————————————————————————————————————————————————————————————————————————————
/** When FIND is sent, after the start of an attempt; repeated at the last interval afterwards. */
export const FIND_SCHEDULE_MS: readonly number[] = [0, 250, 1_000, 3_000];
export const FIND_REPEAT_MS = 3_000;
/** Offers are gathered for this long after the first, before one content is chosen. */
export const GATHER_MS = 100;
/** When every answer so far is ABSENT, the search ends this long after its start. */
export const ABSENT_END_MS = 2_500;
/** A server delays its ABSENT by a random time up to this, so that a crowd does not answer at once. */
export const ABSENT_DELAY_MS_MAX = 200;
/** Offers kept for one name. */
export const OFFERS_PER_NAME_MAX = 256;
/** Addresses kept for one server. */
export const PATHS_PER_SERVER_MAX = 8;
/** FINDs of one search whose answers are still understood. */
export const FINDS_REMEMBERED_MAX = 4_096;
/** Servers that one search keeps track of. */
export const SERVERS_HEARD_MAX = 1_024;
/** … and of those from one address, which may call itself by any number of ids. */
export const SERVERS_PER_ADDRESS_MAX = 64;
/** A server that was heard this lately is listed as known, and stays silent. */
export const KNOWN_LIFETIME_MS = 10_000;
/** FINDs to single servers that wait for their answers: to one of them, and to all together. */
export const ASKS_PER_SERVER_MAX = 2;
export const ASKS_MAX = 16;
/** The answers of a new server to a broadcast come together: the first such FIND waits this long. */
export const ASK_GRACE_MS = 5;
/** Such a FIND is repeated after this, then after twice as long …; then the server is forgotten. */
export const ASK_TIMEOUT_MS = 400;
export const ASK_TRIES_MAX = 4;
/** A server that is still hashing a file is asked again after this. */
export const PENDING_POLL_MS = 500;
/** When a listing asks who is there: closer together, because it ends early. */
export const LIST_SCHEDULE_MS: readonly number[] = [0, 150, 300, 450, 1_000, 2_000];
/** A listing waits this long for servers to answer. */
export const LIST_GATHER_MS = 600;
/** Without any server a listing ends after this, unless a timeout was given. */
export const LIST_PATIENCE_MS = 3_000;
/** The rest of a listing is read by datagrams when TCP is silent for this long. */
export const LIST_TCP_PATIENCE_MS = 2_000;
/** An attempt waits at most this long without any answer. */
export const TIMEOUT_MS_DEFAULT = 10_000;
export const RETRIES_DEFAULT = 10;
/** Bounds of what a user may ask for: longer waits than a day are typing errors. */
export const TIMEOUT_MS_MAX = 86_400_000;
export const RETRIES_MAX = 1_000_000;
/** Names that are fetched at a time. */
export const JOBS_DEFAULT = 4;
export const JOBS_MAX = 64;
export const NAMES_PER_GET_MAX = 100_000;

// — Classic ——————————————————————————————————————————————————————————————————————————————————————
export const CLASSIC_CHUNK_BYTES_DEFAULT = 1_024;
export const CLASSIC_CHUNK_BYTES_MAX = 60 * KIB;
export const CLASSIC_FILE_BYTES_MAX = 1 * GIB;
/** Classic data leaves at this rate … */
export const CLASSIC_RATE_BYTES_PER_S = 4_000_000;
/** … and never below this one, however often the same client asks again: no pause reaches 1 s. */
export const CLASSIC_RATE_BYTES_PER_S_MIN = 250_000;
export const CLASSIC_BURST_DATAGRAMS = 8;
/** The same in bytes, for large chunks: a default receive buffer takes several bursts. */
export const CLASSIC_BURST_BYTES_MAX = 64 * KIB;
/** Existing clients decode the first datagram as the answer: data follows after this pause. */
export const CLASSIC_ANSWER_LEAD_MS = 10;
/** Our client asks the classic way when no Shoal server has answered for this long. */
export const CLASSIC_ASK_AFTER_MS = 500;
export const CLASSIC_ASK_SPACING_MS = 300;
/** After asking a classic server again, nothing is asked before it has been silent for this long. */
export const CLASSIC_SILENCE_MS = 1_000;
/** This machine's own subnets, to which classic is answered, are looked up this often. */
export const SUBNETS_MEMORY_MS = 10_000;
/** Classic transfers that a server runs at once. */
export const CLASSIC_TRANSFERS_MAX = 16;
/** A transfer gives way to another port of the same address that has waited for this long. */
export const CLASSIC_TURN_MS = 2_000;
/** Addresses and ports that a server remembers: who sent a FIND, who was slowed down. */
export const CLASSIC_PEERS_MAX = 1_024;
/** … and for how long. */
export const CLASSIC_PEER_MEMORY_MS = 60_000;
/** Names that our client asks classic servers for at once: each takes a port of its own. */
export const CLASSIC_DOWNLOADS_MAX = 64;
/** Chunks of a file that our client takes from a classic server: bounds its bitmap. */
export const CLASSIC_CHUNKS_MAX = 16 * MIB;

// — Simulated errors —————————————————————————————————————————————————————————————————————————————
/** A datagram that is hit by corruption has 1 to this many bytes changed. */
export const FAULT_BYTES_MAX = 10;
/** A datagram that is delayed waits for a random time in this range. */
export const FAULT_DELAY_MS_MIN = 5;
export const FAULT_DELAY_MS_MAX = 50;
/** Datagrams that are held back at once; further ones are lost instead. */
export const FAULT_DELAYED_DATAGRAMS_MAX = 4_096;

// — Tokens ———————————————————————————————————————————————————————————————————————————————————————
/** A token is accepted in its epoch and the next. */
export const TOKEN_EPOCH_MS = 10 * 60_000;
/** Tokens that are kept rather than computed again. */
export const TOKEN_CACHE_MAX = 4_096;

// — Transfer —————————————————————————————————————————————————————————————————————————————————————
/** Receivers at work at once. */
export const RECEIVERS_MAX = 8;
/** The slowest active server is swapped for one that stands by, this often. */
export const SWAP_INTERVAL_MS = 10_000;
/** Chunk buffers of one client process, in receivers, in flight to the assembler and in it. */
export const CHUNK_BUFFER_BYTES_MAX = 16 * MIB;
/** Of these, what one receiver may use where there are few: more brings nothing. */
export const RECEIVER_BUFFER_BYTES_MAX = 8 * MIB;
/** Part of a receiver's buffers that may wait verified, so that one message carries several. */
export const HELD_BUFFER_SHARE = 1 / 16;
/** In flight towards one client, of all its receivers together. */
export const CLIENT_WINDOW_BYTES_MAX = 8 * MIB;
/** Bytes of segments that the kernel cuts from one send: 46 of the default size. */
export const BURST_BYTES = 64_400;
/** Bytes that one WANT may ask for: so many bursts. */
export const QUANTUM_BYTES_MAX = 4 * BURST_BYTES;
/** A quantum is this much of the measured rate, within the bounds. */
export const QUANTUM_MS = 1;
/** The window is this many bandwidth-delay products … */
export const WINDOW_GAIN = 1.5;
/** … and the root of one of them times this: it is what evens out the shares of flows. */
export const WINDOW_ROOT_BYTES = 3 * KIB;
/** The gain while the rate is still to be found. */
export const WINDOW_GAIN_STARTING = 3;
/** The gain while the queue is to go. */
export const WINDOW_GAIN_DRAINING = 0.5;
/** The window is this much of the rate at least, however short the path. */
export const WINDOW_MS_MIN = 2;
/** Round trips below this are not told apart. */
export const RTT_FLOOR_MS = 1;
/** Flows drain whenever the wall clock passes a multiple of this … */
export const DRAIN_INTERVAL_MS = 2_000;
/** … for this long or a base round trip: long enough for clocks that agree only roughly. */
export const DRAIN_MS_MIN = 20;
/** After a drain the base round trip is at most so many times what it was. */
export const BASE_RTT_GROWTH_MAX = 2;
/** Part of the socket's receive buffer that may be in flight. */
export const RECEIVE_BUFFER_SHARE = 0.6;
/** Receive buffer where the socket's own is not known. */
export const SOCKET_BUFFER_BYTES_UNKNOWN = 64 * KIB;
/** What we ask the kernel for. */
export const SOCKET_BUFFER_BYTES_WANTED = 4 * MIB;
/** Segments of later WANTs that prove the loss of an earlier one's. */
export const REORDER_SEGMENTS = 3;
/** Floor and ceiling of the timer that finds a lost tail. */
export const TAIL_TIMER_MS_MIN = 5;
export const TAIL_TIMER_MS_MAX = 1_000;
/** The same before the first RTT sample. */
export const TAIL_TIMER_MS_INITIAL = 100;
/** Leases are sized to this much of a receiver's rate. */
export const LEASE_MS = 100;
/** A lease that sees no byte for this, or 8 RTT, goes to another receiver. */
export const LEASE_STALL_MS_MIN = 250;
export const LEASE_STALL_RTTS = 8;
/** A server that is silent for this long while bytes are asked of it is set aside. */
export const SERVER_SILENT_MS = 2_000;
/** … for as long again, and twice as long each time in a row, so many times. */
export const SERVER_REST_DOUBLINGS_MAX = 4;
/** Proven bad chunks after which a server is dropped. */
export const STRIKES_MAX = 3;
/** Receivers tell the coordinator what they did at least this often while they work. */
export const REPORT_INTERVAL_MS = 10;

/** Layer pages that are asked for and have not come, from one server and from all together. */
export const LAYER_PAGES_PER_SERVER_MAX = 32;
export const LAYER_PAGES_ASKED_MAX = 64;
/** Floor of the timer that finds a lost answer of a server's main thread, which has other duties. */
export const REQUEST_TIMER_MS_MIN = 20;
/** Unanswered LISTs in a row after which a server's listing is given up. */
export const LIST_TRIES_MAX = 8;
/** The same for LISTs that were answered, but never with the page that is needed. */
export const LIST_FRUITLESS_MAX = 32;
/** Stale tokens in a row after which a server's word on tokens is heeded no more often than a timer allows. */
export const RETRIES_HEEDED_MAX = 3;

// — Serving ——————————————————————————————————————————————————————————————————————————————————————
/** Flows with requests waiting at one server; requests of further ones are dropped. */
export const FLOWS_MAX = 1_024;
/** Requests waiting in one flow; further ones are dropped. */
export const WANTS_PER_FLOW_MAX = 256;
/** Files that a sender keeps open. */
export const OPEN_FILES_MAX = 64;
/** An open file is compared with what was indexed this often while it is read. */
export const FILE_CHECK_INTERVAL_MS = 50;
/** A sender tells its counts this often. */
export const STATS_INTERVAL_MS = 1_000;
/** Control datagrams waiting for the main thread of a server, or for a socket. */
export const FORWARDED_DATAGRAMS_MAX = 1_024;

/** Datagrams that the kernel cuts one send into, and their bytes together: what UDP can carry. */
export const SEND_SEGMENTS_MAX = 64;
export const SEND_BYTES_MAX = 65_507;
/** Requests that a server answers in a row before it looks at whatever else has happened. */
export const TURNS_UNTIL_YIELD = 16;
/** Requests that wait for their file to be located, all together. */
export const WANTS_UNLOCATED_MAX = 1_024;
/** A capped server may send this much of its rate at once, so that coarse timers don't slow it. */
export const SEND_BURST_MS = 10;
/** Questions of one address that are answered: lastingly, and at once. */
export const QUESTIONS_PER_S_MAX = 1_000;
export const QUESTIONS_BURST_MAX = 4_000;
/** Addresses whose questions are counted. */
export const ASKERS_MAX = 4_096;
/** Searches for similar names: they cost more than any other answer. */
export const SIMILAR_SEARCHES_PER_S_MAX = 20;
/** A content that clients find bad is hashed again no more often than this. */
export const REHASH_INTERVAL_MS = 10_000;
export const REHASHES_REMEMBERED_MAX = 1_024;
/** A client that asks for one name over and over is told of this often. */
export const REQUEST_MEMORY_MS = 1_000;
/** Answers that wait for their delay. */
export const DELAYED_ANSWERS_MAX = 1_024;

// — Writing ——————————————————————————————————————————————————————————————————————————————————————
/** The journal of a download is brought up to date this often. */
export const JOURNAL_INTERVAL_MS = 250;
/** What goes on is told this often. */
export const PROGRESS_INTERVAL_MS = 100;
/** `NAME (2).ext` … up to this number before giving up. */
export const NUMBERED_NAMES_MAX = 1_000;

// — Telling people ———————————————————————————————————————————————————————————————————————————————
/** Without a terminal, a line about progress is printed this often. */
export const PLAIN_PROGRESS_INTERVAL_MS = 2_000;

// — Trying it out ————————————————————————————————————————————————————————————————————————————————
/** Probability that a datagram is hit when errors are simulated. */
export const SIMULATED_ERROR_RATE_DEFAULT = 0.1;
/** File that the demo makes, unless told otherwise; and at most, as it is made in a temporary folder. */
export const DEMO_BYTES_DEFAULT = 4 * MIB;
export const DEMO_BYTES_MAX = 1 * GIB;
export const DEMO_SERVERS = 2;

function assertLimits(): void {
  const relations: readonly (readonly [boolean, string])[] = [
    [CHUNK_BYTES_MIN % BLOCK_BYTES === 0, "chunks are whole blocks"],
    [CHUNK_BYTES_MAX % CHUNK_BYTES_MIN === 0, "chunk sizes are powers of two apart"],
    [CHUNK_BUFFER_BYTES_MAX >= 2 * RECEIVERS_MAX * CHUNK_BYTES_MAX, "two chunks a receiver fit"],
    [FIND_BYTES_MIN >= 136 + NAME_BYTES_MAX, "an OFFER of the longest name fits under a FIND"],
    [CONTROL_BYTES_MAX >= FIND_BYTES_MIN, "a FIND is a control frame"],
    [BURST_BYTES <= SEND_BYTES_MAX, "a burst is one send"],
    [FIND_SCHEDULE_MS[0] === 0, "the first FIND leaves at once"],
    [ABSENT_END_MS > ABSENT_DELAY_MS_MAX + 1_000, "two rounds of ABSENT fit before the end"],
    [LIST_SCHEDULE_MS[0] === 0, "so does a listing's"],
    [ASK_TIMEOUT_MS > ABSENT_DELAY_MS_MAX, "an ABSENT arrives before its FIND is repeated"],
    [LAYER_PAGES_PER_SERVER_MAX >= LAYER_PAGES_PER_WANT_MAX, "a whole LAYER_WANT may be asked for"],
    [LEASE_STALL_MS_MIN > TAIL_TIMER_MS_INITIAL, "a lease outlives the first tail timer"],
    [DATA_PORT_LAST > DATA_PORT_FIRST, "there are data ports"],
    [MTU_BYTES_FALLBACK < MTU_BYTES_DEFAULT, "the fallback is smaller"],
    [FILE_BYTES_MAX < Number.MAX_SAFE_INTEGER, "offsets are exact as numbers"],
    [CLASSIC_CHUNK_BYTES_MAX + 40 <= 65_507, "a classic chunk fits a datagram"],
    [
      CLASSIC_BURST_BYTES_MAX / CLASSIC_RATE_BYTES_PER_S_MIN < CLASSIC_SILENCE_MS / 1_000,
      "no pause between classic bursts reaches a client's patience",
    ],
    [CLASSIC_BURST_BYTES_MAX >= CLASSIC_CHUNK_BYTES_MAX + 40, "a burst is at least one chunk"],
  ];
  for (const [holds, what] of relations) {
    if (!holds) throw new Error(`limits contradict each other: ${what}`);
  }
}
assertLimits();
