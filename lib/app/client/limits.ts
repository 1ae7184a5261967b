/** Bounds of one `get`. */
import { MIB } from "../../limits.ts";
import { MANIFEST_ENTRIES_MAX } from "../../wire/limits.ts";

/** Names that our client asks classic servers for at once: each takes a port of its own. */
export const CLASSIC_DOWNLOADS_MAX = 64;
/** Files up to this size are compared with a listing, by the main thread; larger ones have workers. */
export const PRESENT_CHECK_BYTES_MAX = 1 * MIB;
/** Other work of the thread gets its turn after so many milliseconds of that. */
export const PRESENT_SLICE_MS = 8;
/** Entries of all manifests of one folder that are taken into account, which are held in memory; those of fewer servers are left out beyond that. */
export const FOLDER_ENTRIES_MAX = 2 * MANIFEST_ENTRIES_MAX;
/** How often a folder that changes while it is fetched is asked for, in one run. */
export const FOLDER_PASSES_MAX = 4;
/**
 * Whoever is said to have a folder is waited for this long, from the latest who is, before a mirror removes anything: the
 * time in which all probes of an endpoint are sent and answered.
 */
export const MIRROR_CLAIM_PATIENCE_MS = 1_000;
/** How often it is looked whether the manifests of a folder are gathered. */
export const GATHER_STEP_MS = 20;
/** Of what is fetched in fewer chunks than this, nothing is fetched from other takers or given to them. */
export const TAKEN_CHUNKS_MIN = 16;
/** A get that has ended says so for this long to who was given something just before, and asks on. */
export const LEAVE_MS_MIN = 150;
/** A get that has ended goes on giving what it has promised for no longer than this. */
export const LEAVE_MS_MAX = 500;
/** Chunks that others found bad and that are read again to see whether they are, per second and at once. */
export const DOUBTS_PER_S = 10;
