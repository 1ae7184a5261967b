import { assertEquals, assertMatch } from "@std/assert";
import { HTTP_HEAD_BYTES_MAX } from "../../lib/wire/limits.ts";
import {
  httpResponse,
  httpResponseHead,
  isExpectedHost,
  parseHttpHead,
} from "../../lib/wire/http_request.ts";

const utf8 = new TextEncoder();
const parse = (text: string) => parseHttpHead(utf8.encode(text));

Deno.test("the head of a request is read to its end, however little comes at a time", () => {
  const text = "GET /metrics?x=1 HTTP/1.1\r\nUser-Agent: a\r\nHost: Example:9100 \r\n\r\n";
  const request = ["GET", "/metrics", "x=1", "example", "a", true, 0];
  const told = (text: string) => {
    const head = parse(text);
    if (typeof head !== "object") return head;
    assertEquals(head.headBytes, text.length);
    const { method, path, query, host, fields, isPersistent, bodyBytes } = head;
    return [method, path, query, host, fields.get("user-agent"), isPersistent, bodyBytes];
  };
  for (let length = 0; length < text.length; length++) {
    assertEquals(parse(text.slice(0, length)), undefined);
  }
  assertEquals(told(text), request);
  assertEquals(told(text.replaceAll("\r", "")), request);
  assertEquals(told("HEAD / HTTP/1.0\r\nhost:[::1]:9100\r\n\r\n"), [
    ...["HEAD", "/", "", "::1"],
    ...[undefined, false, 0],
  ]);
});

Deno.test("a head says whether more may follow, and how long its body is", () => {
  const read = (fields: string) => {
    const head = parse(`POST /x HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\nbody`);
    return typeof head === "object" ? [head.isPersistent, head.bodyBytes] : head;
  };
  assertEquals(read("Content-Length: 4"), [true, 4]);
  assertEquals(read("connection: Close"), [false, 0]);
  assertEquals(read("connection: keep-alive, close"), [false, 0]);
  assertEquals(read("Transfer-Encoding: chunked"), [true, undefined]);
  for (
    const fields of [
      "Content-Length: 4\r\nTransfer-Encoding: chunked",
      "Content-Length: 4\r\ncontent-length: 4",
      ...["-1", "0x4", "4 4", "1e3", "", "9999999999999999"].map((each) =>
        `content-length: ${each}`
      ),
      "a: b\r\n folded: c",
      "a b: c",
      "a: \0",
    ]
  ) {
    assertEquals(read(fields), "malformed", JSON.stringify(fields));
  }
  assertEquals(read(Array(100).fill("a: b").join("\r\n")), "tooLong");
  assertEquals(read(Array(99).fill("a: b").join("\r\n")), [true, 0]);
});

Deno.test("a response has one line for each of its fields, whatever is in them", () => {
  const text = new TextDecoder().decode(
    httpResponseHead(200, [["a", "b\r\nc: d\0"], ["length", 5]]),
  );
  assertEquals(text, "HTTP/1.1 200 OK\r\na: bc: d\r\nlength: 5\r\n\r\n");
});

const MALFORMED = [
  "GET /metrics HTTP/1.1\r\n\r\n",
  "GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
  "GET /metrics HTTP/1.1\r\nHost: a b\r\n\r\n",
  "GET /metrics HTTP/1.1\r\nHost : a\r\n\r\n",
  "GET /metrics HTTP/1.1\r\nHost:\r\n\r\n",
  "GET /metrics HTTP/1.1\r\nHost: a:80:90\r\n\r\n",
  "GET http://evil/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "GET /metrics HTTP/2.0\r\nHost: a\r\n\r\n",
  "GET /metrics\r\nHost: a\r\n\r\n",
  "\r\n\r\n",
  "\u0016\u0003\r\n\r\n",
];
for (const text of MALFORMED) {
  Deno.test(`${JSON.stringify(text)} is no request`, () => assertEquals(parse(text), "malformed"));
}

Deno.test("a head without an end is not read for ever", () => {
  assertEquals(parse("A".repeat(HTTP_HEAD_BYTES_MAX)), undefined);
  assertEquals(parse("A".repeat(HTTP_HEAD_BYTES_MAX + 1)), "longTarget");
  assertEquals(parse(`GET / HTTP/1.1\r\n${"A".repeat(HTTP_HEAD_BYTES_MAX)}`), "tooLong");
});

Deno.test("what cannot become a request is not waited for", () => {
  const others = [
    "\n",
    "\r\n",
    "a",
    "GET x",
    "GET /x HTTP/2.0\r\n",
    "SSH-2.0-x",
    "\0",
    "{",
    " GET",
  ];
  for (
    const text of [...others, "\x16\x03\x01", "PRI * HTTP/2.0\r\n", "LIST_FILES\n", "GET / \0"]
  ) {
    assertEquals(parse(text), "malformed", JSON.stringify(text));
  }
  for (const text of ["", "G", "GET", "GET ", "GET /", "GET /a b HTT", "GET / HTTP/1.1\r\nho"]) {
    assertEquals(parse(text), undefined, JSON.stringify(text));
  }
});

Deno.test("a host is expected if it is an address of this machine's, or its own name", () => {
  const named = (host: string, reach: "loopback" | "network") =>
    isExpectedHost(host, reach, "Mine");
  for (const host of ["localhost", "127.0.0.1", "127.8.9.1", "::1", "mine", "mine.local"]) {
    assertEquals([named(host, "loopback"), named(host, "network")], [true, true], host);
  }
  for (const host of ["10.0.0.7", "fe80::1"]) {
    assertEquals([named(host, "loopback"), named(host, "network")], [false, true], host);
  }
  for (
    const host of ["evil.example", "localhost.evil.example", "mine.evil", "127.0.0.1.evil", ""]
  ) {
    assertEquals([named(host, "loopback"), named(host, "network")], [false, false], host);
    assertEquals(isExpectedHost(host, "network", undefined), false);
    assertEquals(isExpectedHost(host, "network", ""), false);
  }
});

Deno.test("a response says how long it is in bytes, and ends the connection", () => {
  const text = new TextDecoder().decode(httpResponse(200, "ü\n"));
  assertMatch(text, /^HTTP\/1\.1 200 OK\r\n(.+\r\n)*content-length: 3\r\n(.+\r\n)*\r\nü\n$/);
  assertMatch(text, /\r\nconnection: close\r\n/);
  const head = new TextDecoder().decode(httpResponse(200, "ü\n", { isHead: true }));
  assertMatch(head, /content-length: 3\r\n(.+\r\n)*\r\n$/);
});
