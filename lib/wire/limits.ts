/** What the wire fixes: sizes and counts that both ends must agree on. */
import { assertRelations } from "../limits.ts";
import { KIB, MIB, NAME_BYTES_MAX } from "../limits.ts";

/** A line of the ASCII dialect. */
export const SESSION_LINE_BYTES_MAX = 2 * KIB;
/** The head of a request to the metrics port. */
export const HTTP_HEAD_BYTES_MAX = 8 * KIB;
/** The head of a request to the page, whose names and selections are longer. */
export const HTTP_PAGE_HEAD_BYTES_MAX = 16 * KIB;
/** Fields in such a head. */
export const HTTP_FIELDS_MAX = 100;
/** A JSON message without a file in it. */
export const SESSION_COMMAND_BYTES_MAX = 256 * KIB;
/** One frame of a body. */
export const BODY_FRAME_BYTES_MAX = MIB;
/** How deep JSON may be, and how many values it may hold. */
export const JSON_DEPTH_MAX = 16;
export const JSON_NODES_MAX = 100_000;
/** Hashes in one page of the layer. */
export const LAYER_PAGE_HASHES = 16;
/** Hashes of a page and its proof that one LAYER_PART carries: it is as long as a brief FIND. */
export const LAYER_PART_HASHES = 14;
/** Sibling hashes that can be needed to prove a page: the height of the tallest tree above a page. */
export const LAYER_PROOF_HASHES_MAX = 20;
/** The word, a count, another word and a hash: a longer classic answer is none. */
export const CLASSIC_ANSWER_BYTES_MAX = 128;
/** A FIND is padded to this, so that no answer without a token is longer than the question. */
export const FIND_BYTES_MIN = 1_200;
/** What every link of IPv6 carries, and what IPv6 and UDP take of that (RFC 8200). */
export const IPV6_MTU_BYTES_MIN = 1_280;
export const IPV6_HEADERS_BYTES = 48;
/**
 * What is asked for briefly (FIND, LAYER_WANT, LIST) is no longer than this, which the narrowest path carries, and neither
 * are the datagrams that answer it; but for one with a name that needs more.
 */
export const BRIEF_FIND_BYTES_MAX = 512;
/** Default and bounds of a data datagram (UDP payload). */
export const MTU_BYTES_DEFAULT = 1_400;
/** With headers of IPv4 or IPv6, less than the 576 bytes that every host of IPv4 takes (RFC 791). */
export const MTU_BYTES_MIN = 512;
export const MTU_BYTES_MAX = 8_900;
/** Lengths that are tried where longer datagrams vanish. */
export const MTU_BYTES_STEPS: readonly number[] = [MTU_BYTES_MIN, 900, 1_200, 1_400, 4_000];
/** Largest datagram or joined buffer that a socket hands over. */
export const RECEIVE_BUFFER_BYTES = 65_536;
/** Control frames are never longer; what a transport adds to a datagram included. */
export const CONTROL_BYTES_MAX = 1_400;
/** What a transport may add to each datagram. */
export const OVERHEAD_BYTES_MAX = 32;
/** A public key of X25519, and what of a keyed hash marks the head of a handshake. */
export const SEAL_KEY_BYTES = 32;
export const SEAL_MARK_BYTES = 4;
/** What authenticates a sealed datagram or record. */
export const SEAL_TAG_BYTES = 16;
/** In front of a sealed datagram: kind, counter and session; of one of a handshake: kind, counter, key and mark. */
export const SEAL_HEAD_BYTES = 15;
export const SEAL_HANDSHAKE_HEAD_BYTES = 43;
/** What a seal adds to a datagram: its head, a byte that ends what is said, and its tag. */
export const SEAL_OVERHEAD_BYTES = SEAL_HEAD_BYTES + 1 + SEAL_TAG_BYTES;
/** … and to one of a handshake. */
export const SEAL_HANDSHAKE_OVERHEAD_BYTES = SEAL_HANDSHAKE_HEAD_BYTES + 1 + SEAL_TAG_BYTES;
/** Control datagrams are padded to one of these lengths before they are sealed: a FIND and the longest datagram are two of them. */
export const SEAL_PADDED_BYTES: readonly number[] = [64, 128, 256, 480, 800, 1_168, 1_368];
/** What one record of a sealed stream says: its length with the tag is a u16. */
export const SEAL_RECORD_BYTES_MAX = 65_519;
export const TOKEN_BYTES = 16;
/** What a receiver draws for one exchange by a code. */
export const CODE_NONCE_BYTES = 16;
/** A share, a proof, or the key under which is served what goes by a code. */
export const CODE_KEY_BYTES = 32;
/** Zeros at the end of a CODE_FIND: its answer is no longer than it. */
export const CODE_FIND_PADDING_BYTES = 48;
export const SERVER_ID_BYTES = 16;
/** What a server recognises itself by among those that a FIND lists as known. */
export const KNOWN_MARK_BYTES = 16;
/** The round of a FIND is one byte: later ones are counted modulo this. */
export const FIND_ROUNDS_MAX = 256;
/** Marks of tokens of servers that a repeated FIND lists as already heard. */
export const FIND_KNOWN_MAX = 16;
/** Addresses of a client that one ALIAS_WANT asks of. */
export const ALIAS_ADDRESSES_MAX = 8;
/** Names that one FIND asks for. */
export const FIND_QUERIES_MAX = 64;
/** Ranges that one WANT asks for. */
export const WANT_RANGES_MAX = 64;
/** Ranges of which one PACK_WANT asks whether they can be packed. */
export const PACK_RANGES_MAX = 8;
/** Plain bytes of one such range, and of what is unpacked at once. */
export const PACK_BYTES_MAX = MIB;
/** Layer pages that one LAYER_WANT asks for. */
export const LAYER_PAGES_PER_WANT_MAX = 16;
/** Bytes of one bit a chunk that one HAVE tells of what somebody has. */
export const HELD_BYTES_MAX = KIB;
/** Takers of a content that one HAVE names: whoever asks has proved its address. */
export const TAKERS_NAMED_MAX = 8;
/** Similar names in one ABSENT. */
export const SIMILAR_NAMES_MAX = 3;
/** Listing datagrams that one LIST asks for. */
export const LISTING_PAGES_PER_LIST_MAX = 16;
export const CLASSIC_CHUNK_BYTES_DEFAULT = 1_024;
export const CLASSIC_CHUNK_BYTES_MAX = 60 * KIB;
/** Bytes of segments that the kernel cuts from one send: 46 of the default size. */
export const BURST_BYTES = 64_400;
/** Bytes that one WANT may ask for: so many bursts. */
export const REQUEST_BYTES_MAX = 4 * BURST_BYTES;
/** Entries of one manifest: files, folders and links together. */
export const MANIFEST_ENTRIES_MAX = 1_000_000;
/** Bytes of one manifest, held in memory whole. */
export const MANIFEST_BYTES_MAX = 256 * MIB;
/** Where a symbolic link leads to. */
export const LINK_TARGET_BYTES_MAX = 1_024;
/** Damaged frames in one buffer after which the rest is dropped: checksums cost time. */
export const DAMAGED_FRAMES_MAX = 64;

assertRelations([
  [
    FIND_BYTES_MIN - OVERHEAD_BYTES_MAX >= 140 + NAME_BYTES_MAX,
    "an OFFER of the longest name fits under a FIND",
  ],
  [
    FIND_BYTES_MIN <= IPV6_MTU_BYTES_MIN - IPV6_HEADERS_BYTES &&
    MTU_BYTES_STEPS.includes(FIND_BYTES_MIN),
    "what a FIND takes passes wherever IPv6 does, and segments of that length are tried",
  ],
  [CONTROL_BYTES_MAX >= FIND_BYTES_MIN, "a FIND is a control frame"],
  [BRIEF_FIND_BYTES_MAX <= MTU_BYTES_MIN, "a brief FIND passes where the shortest segments do"],
  [SEAL_OVERHEAD_BYTES <= OVERHEAD_BYTES_MAX, "a seal adds no more than a transport may"],
  [
    SEAL_PADDED_BYTES.at(-1) === CONTROL_BYTES_MAX - SEAL_OVERHEAD_BYTES &&
    SEAL_PADDED_BYTES.includes(FIND_BYTES_MIN - SEAL_OVERHEAD_BYTES) &&
    SEAL_PADDED_BYTES.includes(BRIEF_FIND_BYTES_MAX - SEAL_OVERHEAD_BYTES),
    "what is as long as it may be is not padded",
  ],
  [
    FIND_BYTES_MIN - SEAL_OVERHEAD_BYTES + SEAL_HANDSHAKE_OVERHEAD_BYTES <=
      IPV6_MTU_BYTES_MIN - IPV6_HEADERS_BYTES,
    "a FIND that opens a session passes wherever IPv6 does",
  ],
  [SEAL_RECORD_BYTES_MAX + SEAL_TAG_BYTES < 2 ** 16, "a record's length is a u16"],
  [
    MTU_BYTES_STEPS.every((bytes, i) => bytes > (MTU_BYTES_STEPS[i - 1] ?? 0)),
    "the steps go up",
  ],
  [MTU_BYTES_STEPS.at(-1)! < MTU_BYTES_MAX, "no step is longer than what may be asked for"],
  [CLASSIC_CHUNK_BYTES_MAX + 40 <= 65_507, "a classic chunk fits a datagram"],
]);
