"""A client of the ASCII dialect, written from its description alone, that ends no message with a
newline: HOST PORT list | upload FILE | download ID SIZE TARGET."""
import hashlib
import os
import socket
import sys


def ask(sock, text):
    sock.sendall(text.encode("utf-8"))
    return sock.recv(65536).decode("utf-8")


def main():
    host, port, what = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    with socket.create_connection((host, port), timeout=30) as sock:
        if what == "list":
            print(ask(sock, "LIST_FILES"), flush=True)
        elif what == "upload":
            with open(sys.argv[4], "rb") as file:
                data = file.read()
            assert ask(sock, "UPLOAD").startswith("Please send the file name and file size")
            answer = ask(sock, "%s;%d" % (os.path.basename(sys.argv[4]), len(data)))
            if not answer.startswith("Ready to receive the file"):
                print(answer.strip(), flush=True)
                return
            sock.sendall(data)
            answer = sock.recv(1024).decode("utf-8").strip()
            print("Success" if answer == hashlib.md5(data).hexdigest() else "Fail " + answer, flush=True)
        else:
            file_id, size, target = sys.argv[4], int(sys.argv[5]), sys.argv[6]
            assert ask(sock, "DOWNLOAD").startswith("Please send a file ID")
            sock.sendall(file_id.encode("ascii"))
            data = b""
            while len(data) < size:
                part = sock.recv(65536)
                if not part:
                    break
                data += part
            with open(target, "wb") as file:
                file.write(data)
            print("Success" if hashlib.md5(data).hexdigest() == file_id else "Fail", flush=True)


main()
