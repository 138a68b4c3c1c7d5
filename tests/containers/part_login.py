# SPDX-License-Identifier: Apache-2.0
"""Who sees the dashboard."""

import http.client
import json
import ssl
import urllib.parse

from engine import HOST, PATIENCE_S
from stage import USER, Part



class Login(Part):
    CLOSED = ("/", "/dashboard", "/dashboard/ward", "/dashboard/device?id=x", "/dashboard/_setup",
              "/editor", "/flows", "/settings", "/nodes", "/comms", "/red/red.min.js",
              "/auth/login")
    SOCKET = "/dashboard/socket.io/?EIO=4&transport="

    @classmethod
    def setUpClass(cls):
        cls.context = ssl.create_default_context(cafile=cls.stage.ward.authority())
        status, headers, _ = cls.log_in(USER, cls.stage.ward.password("login"))
        cls.cookie = (headers["Set-Cookie"] or "").split(";")[0]
        assert status == 303 and cls.cookie, "the login does not open"

    @classmethod
    def ask(cls, method, path, body=None, cookie=None, **headers):
        """Status, headers, body. The certificate is checked, for the name that MEDSEC_HOST gave."""
        link = http.client.HTTPSConnection(HOST, 1880, context=cls.context, timeout=PATIENCE_S)
        link.request(method, path, body, {**headers, **({"Cookie": cookie} if cookie else {})})
        answer = link.getresponse()
        text = answer.read().decode("utf-8", "replace")
        link.close()
        return answer.status, answer.headers, text

    @classmethod
    def log_in(cls, user, password):
        form = urllib.parse.urlencode({"user": user, "password": password})
        return cls.ask("POST", "/login", form)

    def socket(self, cookie=None):
        """What the dashboard's socket says to somebody who connects."""
        status, _, text = self.ask("GET", self.SOCKET + "polling", cookie=cookie)
        if status != 200 or '"sid"' not in text:
            return ""
        session = self.SOCKET + "polling&sid=" + json.loads(text[1:])["sid"]
        self.ask("POST", session, "40", cookie, **{"Content-Type": "text/plain"})
        return self.ask("GET", session, cookie=cookie)[2]

    def assert_closed(self, cookie):
        for path in self.CLOSED:
            for accept in ("text/html", "*/*"):
                status, headers, text = self.ask("GET", path, cookie=cookie, Accept=accept)
                self.assertIn((status, headers["Location"]),
                              ((303, "/login"), (401, None), (404, None)), path)
                self.assertNotIn("sim-", text, path)
        self.assertNotIn('40{"sid"', self.socket(cookie))

    def test_nothing_without_login(self):
        self.assert_closed(None)

    def test_nothing_with_a_false_session(self):
        name = self.cookie.split("=")[0]
        self.assert_closed(name + "=" + "A" * 43)

    def test_login_opens_page_and_socket(self):
        self.assertEqual(self.ask("GET", "/dashboard/ward", cookie=self.cookie)[0], 200)
        self.assertIn('40{"sid"', self.socket(self.cookie))

    def test_wrong_login_opens_nothing(self):
        right = self.stage.ward.password("login")
        for user, password in ((USER, right[:-1]), ("admin", right), (USER, ""), ("admin", "admin"),
                               (USER, USER)):
            status, headers, _ = self.log_in(user, password)
            self.assertIn(status, (401, 429), user)
            self.assertIsNone(headers["Set-Cookie"], user)

    def test_editor_is_off(self):
        for path in ("/editor", "/flows", "/nodes", "/red/red.min.js"):
            self.assertEqual(self.ask("GET", path, cookie=self.cookie)[0], 404, path)

    def test_plain_http_says_nothing(self):
        link = http.client.HTTPConnection(HOST, 1880, timeout=PATIENCE_S)
        with self.assertRaises((http.client.HTTPException, OSError)):
            link.request("GET", "/dashboard/ward")
            link.getresponse()
        link.close()
