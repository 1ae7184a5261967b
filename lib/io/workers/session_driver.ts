/**
 * The session worker: runs sessions on the TCP port, and asks the main thread what is
 * offered.
 */
import { endpointText } from "../../address.ts";
import type { ShoalError } from "../../errors.ts";
import { NAME_BYTES_MAX } from "../../limits.ts";
import { SESSION_REQUESTS_PER_S, SESSIONS_MAX } from "../net/limits.ts";
import type {
  Answer,
  Answers,
  Question,
  SessionReply,
  SessionRequest,
} from "../../messages/session_worker.ts";
import { ConcurrencyLimit } from "../../protocol/base/concurrency_limit.ts";
import { FlowNews } from "../../protocol/serve/flow_news.ts";
import { SentChunks } from "../../protocol/serve/sent_chunks.ts";
import { AnswerTurns } from "../../protocol/session/answer_turns.ts";
import { SESSION_QUESTIONS_AT_ONCE, SESSION_WORK_PER_S } from "../../protocol/session/limits.ts";
import { RefusalNews } from "../../protocol/session/refusal_news.ts";
import { serveSession } from "../../protocol/session/serve_session.ts";
import type { SessionFile } from "../../protocol/session/dialogue.ts";
import { Digests } from "../hash/digests.ts";
import { runDialogue, type SessionLibrary } from "./session_host.ts";
import { SentNews } from "./sent_news.ts";
import { SessionListener } from "../net/session_listener.ts";
import { Throttle } from "../net/throttle.ts";
import { HandedUploads } from "../uploads/handed_uploads.ts";
import { Uploads } from "../uploads/uploads.ts";
import type { Runtime } from "../runtime.ts";
import { runDriver } from "./worker_driver.ts";
import type { WorkerPort } from "../system/worker_port.ts";

type Parent = WorkerPort<SessionRequest, SessionReply>;
type Init = Extract<SessionRequest, { kind: "init" }>;

/** Waits for `init`, then works until `stop`. */
export function runSessions(parent: Parent, runtime: Runtime): void {
  runDriver(parent, (init: Init) => new SessionDriver(runtime, parent, init));
}

class SessionDriver {
  readonly #parent: Parent;
  readonly #digests: Digests;
  readonly #library: SessionLibrary;
  readonly #handed: HandedUploads;
  readonly #listener: SessionListener;
  readonly #news = new FlowNews();
  readonly #sent: SentNews;
  readonly #refusals = new RefusalNews();
  readonly #questions = new Map<number, (answer: Answer) => void>();
  /** MD5s that are being computed, by file. */
  readonly #digesting = new Map<string, Promise<string | undefined>>();
  readonly #turns = new ConcurrencyLimit(SESSION_QUESTIONS_AT_ONCE);
  #nextQuestion = 0;
  #isStopped = false;

  constructor(runtime: Runtime, parent: Parent, init: Init) {
    this.#parent = parent;
    this.#sent = new SentNews(
      runtime.clock,
      (shares) => parent.post({ kind: "sent", shares }),
    );
    const { uploadDir, quota, policy, host, ports, layers, rateBytesPerS } = init;
    this.#digests = new Digests(runtime, (error) => this.#fail(error));
    if (policy.allowsUpload) this.#digests.warmUp();
    this.#library = {
      clock: runtime.clock,
      disk: runtime.disk,
      uploads: uploadDir === undefined ? undefined : new Uploads({
        runtime,
        dir: uploadDir,
        quota,
        uploadBytesMax: policy.uploadBytesMax,
        isOpen: policy.allowsUpload,
        digests: this.#digests,
      }),
      ask: (question) => this.#ask(question),
      md5Of: (file) => this.#md5Of(file),
      onUploaded: (file, from) => parent.post({ kind: "uploaded", file, from }),
      sent: new SentChunks(),
      onSent: (...sent) => this.#sent.onSent(...sent),
      onStruck: (party, { root, sizeBytes, chunk }) =>
        parent.post({ kind: "struck", party, root, sizeBytes, chunk }),
      onChanged: ({ root, sizeBytes }) => parent.post({ kind: "mistrusted", root, sizeBytes }),
      onSending: ({ name }, to) => {
        if (!this.#news.isNew(runtime.clock.nowMs(), to.address, name)) return;
        parent.post({ kind: "sending", name, to: endpointText(to) });
      },
      onRefused: (name, from, message) => {
        const omitted = this.#refusals.told(runtime.clock.nowMs(), from.address);
        if (omitted === undefined) return;
        const told = { name: name.slice(0, NAME_BYTES_MAX), from: endpointText(from), message };
        parent.post({ kind: "refused", ...told, omitted });
      },
      log: (level, ...messages) => parent.post({ kind: "log", level, messages }),
      turns: new AnswerTurns(),
      throttle: new Throttle(runtime.clock, rateBytesPerS),
    };
    const { uploads, onUploaded, onRefused } = this.#library;
    this.#handed = new HandedUploads({ uploads, policy, onUploaded, onRefused });
    this.#listener = new SessionListener({
      clock: runtime.clock,
      net: runtime.net,
      ...{ host, ports, layers },
      portName: "the TCP port of a Shoal server",
      speaksLines: true,
      connectionsMax: SESSIONS_MAX,
      requestsPerS: SESSION_REQUESTS_PER_S,
      workPerS: SESSION_WORK_PER_S,
      talk: (connection, refusal, pace) => {
        this.#library.log("DEBUG", `Connection established with ${connection.peer}`);
        return runDialogue(serveSession({ ...policy, refusal }), connection, this.#library, pace);
      },
      onProblem: (message) => this.#library.log("ERROR", message),
      onFailure: (error) => this.#fail(error),
    });
    parent.post({ kind: "ready", port: this.#listener.port });
  }

  onRequest(request: Exclude<SessionRequest, Init>): void {
    switch (request.kind) {
      case "answer": {
        const answer = this.#questions.get(request.number);
        this.#questions.delete(request.number);
        return answer?.(request.answer);
      }
      case "upload":
        this.#handed.perform(request.step).then((done) => {
          if (!this.#isStopped) {
            this.#parent.post({ kind: "uploadDone", number: request.number, done });
          }
        });
        return;
      case "stop":
        this.#stop();
        return;
      default:
        request satisfies never;
    }
  }

  async #ask<Kind extends Question["kind"]>(
    question: Extract<Question, { kind: Kind }>,
  ): Promise<Answers[Kind]> {
    const turn = Promise.withResolvers<void>();
    this.#turns.acquire(turn.resolve);
    await turn.promise;
    const number = this.#nextQuestion++;
    const answered = Promise.withResolvers<Answer>();
    this.#questions.set(number, answered.resolve);
    // No answers come any more.
    if (this.#isStopped) answered.resolve(undefined);
    else this.#parent.post({ kind: "ask", number, question });
    const answer = await answered.promise as Answers[Kind];
    this.#turns.release();
    return answer;
  }

  /** However many clients ask, a file is read once. */
  #md5Of(file: SessionFile): Promise<string | undefined> {
    const { name, sizeBytes, mtimeMs, ctimeMs, inode } = file;
    const key = JSON.stringify([name, sizeBytes, mtimeMs, ctimeMs, inode]);
    let digest = this.#digesting.get(key);
    if (digest === undefined) {
      digest = this.#digests.md5Of(file).then((md5) => {
        this.#digesting.delete(key);
        if (md5 !== undefined) this.#parent.post({ kind: "learned", file, md5 });
        return md5;
      });
      this.#digesting.set(key, digest);
    }
    return digest;
  }

  #fail(error: ShoalError): void {
    if (!this.#isStopped) this.#parent.post({ kind: "failed", error: error.toMessage() });
  }

  async #stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#listener.hangUp();
    // No answers come any more.
    for (const answer of this.#questions.values()) answer(undefined);
    await this.#digests.close();
    await this.#listener.closed();
    this.#library.uploads?.close();
    this.#sent.close();
    this.#parent.post({ kind: "stopped" });
  }
}
