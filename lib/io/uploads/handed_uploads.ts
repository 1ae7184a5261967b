/**
 * Uploads that come by another way than a session: another thread receives them, and hands them over piece by piece. They go the way of all
 * uploads, with the same rules, quotas and hashes.
 */
import { type Endpoint, endpointText } from "../../address.ts";
import { ShoalError } from "../../errors.ts";
import type { UploadedFile, UploadStep, UploadStepDone } from "../../messages/session_worker.ts";
import type { SessionPolicy } from "../../protocol/session/dialogue.ts";
import { uploadName, uploadRefusal } from "../../protocol/session/upload_rules.ts";
import { peerMessage } from "./peer_message.ts";
import type { Upload } from "./upload.ts";
import type { Uploads } from "./uploads.ts";

interface HandedUploadsOptions {
  readonly uploads: Uploads | undefined;
  readonly policy: Pick<SessionPolicy, "allowsUpload" | "uploadBytesMax">;
  readonly onUploaded: (file: UploadedFile, from: string) => void;
  /** An upload was refused; its name is unchecked. */
  readonly onRefused: (name: string, from: Endpoint, message: string) => void;
}

interface Handed {
  readonly upload: Upload;
  readonly from: Endpoint;
}

export class HandedUploads {
  readonly #options: HandedUploadsOptions;
  readonly #open = new Map<number, Handed>();

  constructor(options: HandedUploadsOptions) {
    this.#options = options;
  }

  /** Never rejects. Steps of one upload come one after another. */
  async perform(step: UploadStep): Promise<UploadStepDone> {
    try {
      return await this.#performed(step);
    } catch (error) {
      const { code, message } = ShoalError.from(error);
      const from = step.kind === "begin" ? step.from : this.#open.get(step.upload)?.from;
      const name = step.kind === "begin" ? step.name : this.#open.get(step.upload)?.upload.name;
      // Whoever runs this server is told what a peer is not.
      if (from !== undefined) this.#options.onRefused(name ?? "", from, message);
      this.#end(step.upload);
      return { kind: "failed", error: { code, message: peerMessage(error), hint: "" } };
    }
  }

  async #performed(step: UploadStep): Promise<UploadStepDone> {
    switch (step.kind) {
      case "begin":
        return await this.#begin(step);
      case "write": {
        const { upload } = this.#handed(step.upload);
        await upload.append(step.bytes);
        return { kind: "at", offset: upload.offset };
      }
      case "store":
        return await this.#store(step);
      case "release": {
        const offset = this.#open.get(step.upload)?.upload.offset ?? 0;
        this.#end(step.upload);
        return { kind: "at", offset };
      }
      default:
        return step satisfies never;
    }
  }

  async #begin(step: Extract<UploadStep, { kind: "begin" }>): Promise<UploadStepDone> {
    const { uploads, policy } = this.#options;
    const { sizeBytes, modified, from } = step;
    const refusal = uploadRefusal(policy, sizeBytes);
    if (uploads === undefined || refusal !== undefined) {
      throw new ShoalError("refused", refusal ?? "there is no folder here for uploads");
    }
    const name = uploadName(step.name, "whole");
    if (name === undefined) {
      throw new ShoalError("bad_name", "a file of that name cannot be offered here");
    }
    const request = { name, sizeBytes, modified, isResumable: true };
    const upload = await uploads.begin(request, from.address);
    this.#open.set(step.upload, { upload, from });
    return { kind: "at", offset: upload.offset };
  }

  async #store(
    { upload: number, sha256: expected }: Extract<UploadStep, { kind: "store" }>,
  ): Promise<UploadStepDone> {
    const { upload, from } = this.#handed(number);
    if (upload.missingBytes > 0) throw new ShoalError("refused", "some of it is missing");
    const { name, sha256, root, tree, md5, isPresent } = await upload.store(expected);
    this.#open.delete(number);
    if (!isPresent) {
      const file = { name, sizeBytes: upload.sizeBytes, sha256, root, tree, md5 };
      this.#options.onUploaded(file, endpointText(from));
    }
    return { kind: "stored", name, sha256, isPresent };
  }

  #handed(number: number): Handed {
    const handed = this.#open.get(number);
    if (handed === undefined) throw new ShoalError("not_found", "there is no such upload any more");
    return handed;
  }

  #end(number: number): void {
    this.#open.get(number)?.upload.abandon();
    this.#open.delete(number);
  }
}
