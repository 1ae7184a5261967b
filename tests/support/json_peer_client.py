"""A client of the JSON dialect, written from its description alone: HOST PORT FILE [RETRIES]."""
import hashlib
import json
import os
import socket
import struct
import sys


def send(sock, message):
    body = json.dumps(message).encode("utf-8")
    # The prefix and the body leave apart, as they do in existing programs.
    sock.sendall(struct.pack("!I", len(body)))
    sock.sendall(body)


def exactly(sock, count):
    parts = []
    while count > 0:
        part = sock.recv(min(count, 65536))
        if not part:
            raise SystemExit("the server hung up")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def hear(sock):
    (length,) = struct.unpack("!I", exactly(sock, 4))
    return json.loads(exactly(sock, length).decode("utf-8"))


def attempt(sock, path, data):
    send(sock, {"command": "upload", "file_path": path, "file_data": data.decode("latin-1")})
    ready = hear(sock)
    if ready.get("status") != "ready":
        raise SystemExit("refused: %s" % ready.get("message"))
    chunks = {}
    while True:
        message = hear(sock)
        if message.get("type") == "end":
            break
        chunks[message["sequence"]] = bytes.fromhex(message["data"])
    missing = [i for i in range(ready["total_chunks"]) if i not in chunks]
    if missing:
        print("Missing sequence numbers: %s" % missing, flush=True)
        return None
    whole = b"".join(chunks[i] for i in range(ready["total_chunks"]))
    if hashlib.sha256(whole).hexdigest() != ready["checksum"]:
        print("Checksum verification failed", flush=True)
        return None
    return whole


def main():
    host, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    retries = int(sys.argv[4]) if len(sys.argv) > 4 else 3
    with open(path, "rb") as file:
        data = file.read()
    with socket.create_connection((host, port), timeout=30) as sock:
        for _ in range(retries + 1):
            whole = attempt(sock, os.path.basename(path), data)
            if whole is not None:
                send(sock, {"command": "disconnect"})
                print("equal" if whole == data else "different", flush=True)
                return
        raise SystemExit("gave up")


main()
