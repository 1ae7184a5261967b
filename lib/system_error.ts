/**
 * What the operating system said, in words for people: without its number, the call that failed, and the paths that were
 * ours to choose. The only place that words such an error. Pure.
 */

/** By the system's own codes. Each ends a sentence: "cannot write /x: …". */
const TEXTS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EADDRINUSE: "the address is in use",
  EADDRNOTAVAIL: "this machine has no such address",
  EAGAIN: "it is busy; try again",
  EBUSY: "it is in use",
  EDQUOT: "the disk quota is used up",
  EEXIST: "something else has that name",
  EFBIG: "the file system takes no file of that length",
  EINVAL: "the system refuses it",
  EIO: "the disk reports an error",
  EISDIR: "it is a folder",
  ELOOP: "links lead in a circle, or to where they may not",
  EMFILE: "too many open files",
  EMLINK: "too many links",
  ENAMETOOLONG: "the name is too long",
  ENETUNREACH: "the network is unreachable",
  EHOSTUNREACH: "no route leads there",
  ENFILE: "too many open files on this machine",
  ENODEV: "there is no such device",
  ENOENT: "there is no such file or folder",
  ENOMEM: "the system has no memory left",
  ENOSPC: "no space left on the disk",
  ENOTDIR: "a part of the path is not a folder",
  ENOTEMPTY: "the folder is not empty",
  ENOTSUP: "the file system does not support it",
  ENXIO: "there is no such device",
  EOPNOTSUPP: "the file system does not support it",
  EPERM: "the system does not allow it",
  EROFS: "the file system is read-only",
  ESTALE: "the file is gone from its network drive",
  ETXTBSY: "the program is running",
  EXDEV: "it is on another file system",
};

/** What a thrown value says; of an error of the system, what is wrong, as it ends a sentence. */
export function systemErrorText(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null | undefined)?.code;
  const known = typeof code === "string" ? TEXTS[code] : undefined;
  if (known !== undefined) return known;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  // "Input/output error (os error 5): open '/x'", or "EIO: i/o error, open '/x'".
  const [words = message] = message.replace(/^E[A-Z0-9]+: /, "").split(
    /\s*\(os error \d+\)|, [a-z]+ '/,
  );
  return words === "" ? message : words;
}
