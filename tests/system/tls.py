"""Certificates for tests, made with openssl(1), and what a client of Python's makes of them."""

import pathlib
import ssl
import subprocess


class Authority:
    """A root certificate and what it signs; `folder` is a pathlib.Path."""

    def __init__(self, folder, name="root"):
        self.folder = pathlib.Path(folder)
        self.certificate, self.key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "10",
                      "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.certificate)

    def _openssl(self, *words):
        subprocess.run(["openssl", *map(str, words)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def sign(self, name, alternatives, days=5):
        """(certificate, key) with that subjectAltName, as in openssl.cnf."""
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", days,
                      "-subj", "/O=Tests", "-CA", self.certificate, "-CAkey", self.key, "-keyout", key, "-out", certificate,
                      "-addext", f"subjectAltName={alternatives}")
        return certificate, key

    def client(self, pair=None, version=None):
        """An ssl.SSLContext that trusts this authority; version: ssl.TLSVersion to insist on."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        if pair:
            context.load_cert_chain(*map(str, pair))
        if version:
            context.minimum_version = context.maximum_version = version
        return context
