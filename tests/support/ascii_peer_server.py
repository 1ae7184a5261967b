"""A server of the ASCII dialect, written from its description alone, that ends no message with a
newline: PORT FOLDER."""
import hashlib
import os
import socket
import sys


def files(folder):
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            data = file.read()
        yield hashlib.md5(data).hexdigest(), name, data


def serve(sock, folder):
    while True:
        command = sock.recv(1024).decode("utf-8").strip()
        if command == "":
            return
        if command in ("LIST_FILES", "LIST FILES"):
            lines = ["%s;%s;%d" % (file_id, name, len(data)) for file_id, name, data in files(folder)]
            sock.sendall(("\n".join(lines) or "No files available at the moment").encode("utf-8"))
        elif command == "DOWNLOAD":
            sock.sendall(b"Please send a file ID")
            wanted = sock.recv(1024).decode("ascii").strip()
            for file_id, _, data in files(folder):
                if file_id == wanted:
                    sock.sendall(data)
                    break
            else:
                sock.sendall(b"ERROR no such file")
        elif command == "UPLOAD":
            sock.sendall(b"Please send the file name and file size")
            name, size = sock.recv(1024).decode("utf-8").strip().split(";")
            sock.sendall(b"Ready to receive the file")
            data = b""
            while len(data) < int(size):
                data += sock.recv(65536)
            with open(os.path.join(folder, os.path.basename(name)), "wb") as file:
                file.write(data)
            sock.sendall(hashlib.md5(data).hexdigest().encode("ascii"))
        else:
            sock.sendall(b"ERROR what?")


def main():
    with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            sock, _ = listener.accept()
            with sock:
                serve(sock, sys.argv[2])


main()
