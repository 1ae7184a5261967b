"""An existing classic server as others wrote it: one client at a time, as fast as it can.

It knows nothing of Shoal: it was written from the description of the wire alone, with the habits
of the existing tool. It ends by itself, after --idle seconds without a request.
"""
import argparse
import hashlib
import os
import random
import socket
import struct
import sys


def chunks_of(data, size):
    return [data[at:at + size] for at in range(0, len(data), size)]


def say(text):
    print(text, flush=True)


def serve(options):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sock.bind((options.host, options.port))
    sock.settimeout(options.idle)
    rng = random.Random(options.seed)
    say("Listening on %d" % sock.getsockname()[1])
    while True:
        say("Waiting for client to request")
        try:
            request, client = sock.recvfrom(65536)
        except socket.timeout:
            say("No request for %g s: stopping" % options.idle)
            return
        words = request.split(b" ")
        if len(words) < 2 or words[0] != b"get":
            continue
        # The name ends at the second space: names with spaces cannot be asked for.
        name = words[1].decode("utf-8", "replace")
        say("Received request for file: %s" % name)
        path = os.path.join(options.dir, os.path.basename(name))
        if not os.path.isfile(path):
            continue
        with open(path, "rb") as file:
            data = file.read()
        chunks = chunks_of(data, options.chunk_size)
        answer = "except %d chunks %s" % (len(chunks), hashlib.sha256(data).hexdigest())
        sock.sendto(answer.encode(), client)
        say("Sending %s to %s" % (name, client))
        order = list(range(len(chunks)))
        rng.shuffle(order)
        for number in order:
            if rng.random() < options.loss:
                continue
            chunk = chunks[number]
            layout = "!II%ds32s" % len(chunk)
            digest = hashlib.sha256(chunk).digest()
            sock.sendto(struct.pack(layout, number, len(chunk), chunk, digest), client)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; a broadcast address works")
    parser.add_argument("-p", "--port", type=int, default=10526, help="0 for any free one, which is printed")
    parser.add_argument("--dir", default=".")
    parser.add_argument("--chunk-size", type=int, default=1024)
    parser.add_argument("--idle", type=float, default=60)
    parser.add_argument("--loss", type=float, default=0, help="probability that a chunk is not sent")
    parser.add_argument("--seed", type=int, default=1)
    serve(parser.parse_args())
    return 0


if __name__ == "__main__":
    sys.exit(main())
