/** Loads what sockets and files load once and for good, which the first test to do so would seem to have leaked. */
import { fileTimesAt } from "../../lib/io/files/libc_files.ts";
import { renameIfFree } from "../../lib/io/files/rename_if_free.ts";
import { nativeAeadKey } from "../../lib/io/seal/native_aead.ts";
import { socketsAt } from "../../lib/io/net/tuned_socket.ts";

fileTimesAt(".", "follow");
// Nothing is bound to it.
socketsAt({ address: "127.0.0.1", port: 0 });
renameIfFree("", "");
nativeAeadKey(new Uint8Array(16))?.close();
