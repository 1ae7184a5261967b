/** What a peer is told of a failure: what it can do something about, and never where things lie here or how full a disk is. */
import { ShoalError } from "../../errors.ts";

/** An absolute path, on any platform: nothing that a peer names has one, and what the disk says has. */
const ABSOLUTE_PATH = /(^|[\s'"(])(\/|[A-Za-z]:\\)\S/;

export function peerMessage(thrown: unknown): string {
  const { code, message } = ShoalError.from(thrown);
  if (code === "internal") return "something went wrong here";
  if (!ABSOLUTE_PATH.test(message)) return message;
  switch (code) {
    case "disk_full":
      return "this server has no room for it now";
    case "busy_target":
      return "it is already being written";
    default:
      return "this server cannot store it now";
  }
}
