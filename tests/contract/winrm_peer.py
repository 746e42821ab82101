"""WinRM's end on this host: HTTPS, Negotiate with NTLM, and the WS-Management messages of a command shell.

Answers have the form that MS-WSMV gives them and that Windows sends.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import os
import re
import ssl
import threading
import time
import uuid
import xml.etree.ElementTree as ET
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import spnego
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from windows_peers import Windows

from lab.guest.windows import launch

NS = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "rsp": "http://schemas.microsoft.com/wbem/wsman/1/windows/shell",
}
NO_OUTPUT = 2150858793
ENVELOPE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
    ' xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"'
    ' xmlns:x="http://schemas.xmlsoap.org/ws/2004/09/transfer"'
    ' xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell">'
    "<s:Header><a:RelatesTo>{relates}</a:RelatesTo></s:Header><s:Body>{body}</s:Body></s:Envelope>"
)


class Shell:
    """One command shell and the command in it."""

    def __init__(self, windows: Windows) -> None:
        self.windows = windows
        self.order = b""
        self.process: Any = None
        self.fresh: dict[str, bytes] = {"stdout": b"", "stderr": b""}
        self.lock = threading.Condition()
        self.open = 0

    def take(self, data: bytes, *, end: bool) -> None:
        if self.process is None:
            self.order += data
            order, found, rest = self.order.partition(b"\n")
            if not found:
                return
            self.process = self.windows.start(order, b"")
            self.open = 2
            for name, pipe in (("stdout", self.process.stdout), ("stderr", self.process.stderr)):
                threading.Thread(target=self._pump, args=(name, pipe), daemon=True).start()
            data = rest
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
            if end:
                self.process.stdin.close()
        except (BrokenPipeError, ValueError):
            pass

    def _pump(self, name: str, pipe: Any) -> None:
        while data := os.read(pipe.fileno(), 1 << 16):
            with self.lock:
                self.fresh[name] += data
                self.lock.notify_all()
        with self.lock:
            self.open -= 1
            self.lock.notify_all()

    def receive(self, seconds: float) -> tuple[dict[str, bytes], int | None] | None:
        until = time.monotonic() + seconds
        with self.lock:
            while True:
                if any(self.fresh.values()):
                    out, self.fresh = self.fresh, {"stdout": b"", "stderr": b""}
                    return out, None
                if self.process is not None and self.open == 0:
                    return self.fresh, self.process.wait()
                left = until - time.monotonic()
                if left <= 0:
                    return None
                self.lock.wait(left)

    def kill(self) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
        self.process.wait()
        with self.lock:
            self.lock.wait_for(lambda: self.open == 0, 10)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


class FakeWinRm:
    """`mute` answers nothing any more; `actions` is what was asked."""

    def __init__(self, directory: Path, windows: Windows) -> None:
        self.windows, self.mute = windows, False
        self.actions: list[str] = []
        self.shells: dict[str, Shell] = {}
        certificate, self.thumbprint = _certificate(directory)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        peer = self

        class Handler(_Handler):
            server_end = peer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        for shell in self.shells.values():
            shell.kill()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def answer(self, text: bytes) -> tuple[int, str]:
        root = ET.fromstring(text)
        action = root.findtext("s:Header/a:Action", "", NS).rsplit("/", 1)[-1]
        relates = root.findtext("s:Header/a:MessageID", "", NS)
        self.actions.append(action)
        selector = root.findtext("s:Header/w:SelectorSet/w:Selector", "", NS)
        code, body = getattr(self, f"_{action.lower()}")(root, self.shells.get(selector), selector)
        return code, ENVELOPE.format(relates=relates, body=body)

    def _get(self, _root: ET.Element, _shell: Shell | None, _name: str) -> tuple[int, str]:
        return 200, '<cfg:Config xmlns:cfg="http://schemas.microsoft.com/wbem/wsman/1/config"/>'

    def _create(self, _root: ET.Element, _shell: Shell | None, _name: str) -> tuple[int, str]:
        name = str(uuid.uuid4()).upper()
        self.shells[name] = Shell(self.windows)
        return 200, (
            "<x:ResourceCreated><a:Address>http://h/wsman</a:Address><a:ReferenceParameters>"
            "<w:ResourceURI>http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd</w:ResourceURI>"
            f'<w:SelectorSet><w:Selector Name="ShellId">{name}</w:Selector></w:SelectorSet>'
            f"</a:ReferenceParameters></x:ResourceCreated><rsp:Shell><rsp:ShellId>{name}</rsp:ShellId></rsp:Shell>"
        )

    def _command(self, root: ET.Element, _shell: Shell | None, _name: str) -> tuple[int, str]:
        assert root.findtext("s:Body/rsp:CommandLine/rsp:Command", "", NS) == launch.line()
        return 200, "<rsp:CommandResponse><rsp:CommandId>C1</rsp:CommandId></rsp:CommandResponse>"

    def _send(self, root: ET.Element, shell: Shell | None, _name: str) -> tuple[int, str]:
        stream = root.find("s:Body/rsp:Send/rsp:Stream", NS)
        assert stream is not None
        assert shell is not None
        shell.take(base64.b64decode(stream.text or ""), end=stream.get("End") == "True")
        return 200, "<rsp:SendResponse/>"

    def _receive(self, root: ET.Element, shell: Shell | None, _name: str) -> tuple[int, str]:
        assert shell is not None
        wanted = re.fullmatch(r"PT(\d+)S", root.findtext("s:Header/w:OperationTimeout", "", NS))
        told = shell.receive(float(wanted[1]) if wanted else 20)
        if told is None:
            return 500, _fault(NO_OUTPUT, "The WS-Management service cannot complete the operation in time.")
        streams, code = told
        body = "".join(
            f'<rsp:Stream Name="{name}" CommandId="C1">{base64.b64encode(data).decode()}</rsp:Stream>'
            for name, data in streams.items()
            if data
        )
        state = "Running" if code is None else "Done"
        exit_code = "" if code is None else f"<rsp:ExitCode>{code}</rsp:ExitCode>"
        where = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState"
        body += f'<rsp:CommandState CommandId="C1" State="{where}/{state}">{exit_code}</rsp:CommandState>'
        return 200, f"<rsp:ReceiveResponse>{body}</rsp:ReceiveResponse>"

    def _signal(self, _root: ET.Element, shell: Shell | None, _name: str) -> tuple[int, str]:
        if shell is not None:
            shell.kill()
        return 200, "<rsp:SignalResponse/>"

    def _delete(self, _root: ET.Element, shell: Shell | None, name: str) -> tuple[int, str]:
        if shell is not None:
            shell.kill()
        self.shells.pop(name, None)
        return 200, ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_end: FakeWinRm

    def setup(self) -> None:
        super().setup()
        self.context = spnego.server(protocol="negotiate")

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.server_end.mute:
            time.sleep(30)
            return
        if not self.context.complete:
            self._authenticate()
            if not self.context.complete:
                return
        if text:
            self._reply(*self.server_end.answer(text))
        else:
            self._reply(200, "")

    def _authenticate(self) -> None:
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        if not token:
            self._reply(401, "", "Negotiate")
            return
        try:
            out = self.context.step(base64.b64decode(token))
        except spnego.exceptions.SpnegoError:
            self.context = spnego.server(protocol="negotiate")
            self._reply(401, "")
            return
        if not self.context.complete:
            self._reply(401, "", f"{kind} {base64.b64encode(out or b'').decode()}")

    def _reply(self, code: int, text: str, challenge: str = "") -> None:
        data = text.encode()
        self.send_response(code)
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Type", "application/soap+xml;charset=UTF-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args: Any) -> None:
        """Silence."""


def _fault(code: int, text: str) -> str:
    return (
        "<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{text}</s:Text></s:Reason><s:Detail>'
        '<f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"'
        f' Code="{code}" Machine="G">'
        f"<f:Message>{text}</f:Message></f:WSManFault></s:Detail></s:Fault>"
    )


def _certificate(directory: Path) -> tuple[Path, str]:
    """Self-signed, as New-SelfSignedCertificate makes it, and its thumbprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "LAB-TEST")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    path = directory / "winrm.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    digest = hashlib.sha1(made.public_bytes(serialization.Encoding.DER), usedforsecurity=False)
    return path, digest.hexdigest().upper()
