"""An existing classic client as others wrote it: asks, waits a second, asks again.

It knows nothing of Shoal: it was written from the description of the wire alone, with the habits
of the existing tool. It ends by itself, after --retries requests or --limit seconds.
"""
import argparse
import hashlib
import os
import socket
import struct
import sys
import time


def say(text):
    print(text, flush=True)


class Transfer:
    def __init__(self, count, sha256):
        self.count = count
        self.sha256 = sha256
        self.chunks = {}
        self.bad = 0

    def take(self, datagram):
        if len(datagram) < 40:
            self.bad += 1
            return
        number, size = struct.unpack("!II", datagram[:8])
        if size + 40 != len(datagram) or number >= self.count:
            self.bad += 1
            return
        chunk, digest = struct.unpack("%ds32s" % size, datagram[8:])
        if hashlib.sha256(chunk).digest() != digest:
            self.bad += 1
            return
        self.chunks.setdefault(number, chunk)

    def data(self):
        return b"".join(self.chunks[number] for number in range(self.count))


def receive(sock):
    try:
        return sock.recvfrom(65536)
    except socket.timeout:
        return None, None


def fetch(options):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sock.bind((options.bind, 0))
    sock.settimeout(options.wait)
    request = ("get %s" % options.name).encode()
    end = time.monotonic() + options.limit
    transfer = None
    port = options.port
    for attempt in range(options.retries):
        say("Broadcasting request for file")
        sock.sendto(request, (options.host, port))
        # Whatever port was given, a retry goes to the well-known one (or to what a test puts there).
        port = options.retry_port
        while time.monotonic() < end:
            datagram, server = receive(sock)
            if datagram is None:
                break
            if transfer is None:
                # The first datagram is taken for the answer, whatever it is.
                try:
                    words = datagram.decode().split(" ")
                    transfer = Transfer(int(words[1]), words[3])
                except (UnicodeDecodeError, IndexError, ValueError):
                    say("Not an answer: asking again")
                    break
                say("Server found: %s the data is %s" % (server, words))
            elif not datagram.startswith(b"except "):
                transfer.take(datagram)
            if len(transfer.chunks) == transfer.count:
                return transfer
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--host", default="127.255.255.255", help="where requests go")
    parser.add_argument("-p", "--port", type=int, default=10526)
    parser.add_argument("--retry-port", type=int, default=10526)
    parser.add_argument("--bind", default="0.0.0.0")
    parser.add_argument("--out", default=".")
    parser.add_argument("--wait", type=float, default=1)
    parser.add_argument("--retries", type=int, default=10)
    parser.add_argument("--limit", type=float, default=60, help="seconds for everything")
    options = parser.parse_args()
    transfer = fetch(options)
    if transfer is None:
        say("File %s not received" % options.name)
        return 1
    data = transfer.data()
    if hashlib.sha256(data).hexdigest() != transfer.sha256:
        say("File %s has another SHA-256" % options.name)
        return 1
    path = os.path.join(options.out, os.path.basename(options.name))
    with open(path, "wb") as file:
        file.write(data)
    say("Bad datagrams: %d" % transfer.bad)
    say("File %s received successfully." % path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
