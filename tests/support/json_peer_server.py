"""A server of the JSON dialect, written from its description alone: PORT [CHUNK_SIZE] [LOST]. The
first time it is asked it does not send the chunk number LOST, and spoils the next."""
import hashlib
import json
import random
import socket
import struct
import sys


def send(sock, message):
    body = json.dumps(message).encode("utf-8")
    sock.sendall(struct.pack("!I", len(body)) + body)


def exactly(sock, count):
    parts = []
    while count > 0:
        part = sock.recv(min(count, 65536))
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def serve(sock, chunk_size, lost):
    while True:
        prefix = exactly(sock, 4)
        if prefix is None:
            return
        request = json.loads(exactly(sock, struct.unpack("!I", prefix)[0]).decode("utf-8"))
        if request["command"] == "disconnect":
            return
        if request["command"] != "upload" or not request.get("file_path") or not request.get("file_data"):
            send(sock, {"status": "error", "message": "Missing file path or file data"})
            continue
        data = request["file_data"].encode("latin-1")
        chunks = [data[i:i + chunk_size] for i in range(0, len(data), chunk_size)]
        send(sock, {
            "status": "ready",
            "checksum": hashlib.sha256(data).hexdigest(),
            "total_chunks": len(chunks),
            "file_path": request["file_path"],
        })
        order = list(range(len(chunks)))
        random.shuffle(order)
        for number in order:
            if number == lost:
                continue
            chunk = chunks[number]
            if lost is not None and number == lost + 1:
                chunk = bytes([chunk[0] ^ 1]) + chunk[1:]
            send(sock, {"type": "chunk", "sequence": number, "data": chunk.hex()})
        send(sock, {"type": "end", "message": "File transmission complete"})
        lost = None


def main():
    chunk_size = int(sys.argv[2]) if len(sys.argv) > 2 else 1024
    lost = int(sys.argv[3]) if len(sys.argv) > 3 else None
    with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            sock, _ = listener.accept()
            with sock:
                serve(sock, chunk_size, lost)


main()
