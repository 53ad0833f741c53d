"""Secrets do not reach the bank, and what only looks like one does.

All secrets here are made up and put together at run time, so that a scanner of this repository finds nothing.
"""

import base64
import json
import logging
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategy_bank.tools.safety.redact import Redaction, redact
from tests.support.places import TAU_BENCH


def alnum(
    length: int, seed: int = 7, alphabet: str = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
) -> str:
    return "".join(random.Random(seed).choices(alphabet, k=length - 2)) + "q7"


def segment(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


HEX = "0123456789abcdef"
HEXES = "".join(random.Random(5).choices(HEX, k=32))
JWT = segment('{"alg":"HS256"}') + "." + segment('{"sub":"4711"}') + "." + alnum(43)
TOKENS = {
    "AWS access key": "AK" + "IA" + "IOSFODNN7" + "QXAMPLQ",
    "Anthropic key": "sk-" + "ant-api03-" + alnum(80),
    "OpenAI key": "sk-" + "proj-" + alnum(60),
    "GitHub token": "gh" + "p_" + alnum(36),
    "GitLab token": "gl" + "pat-" + alnum(20),
    "Google key": "AI" + "za" + alnum(35),
    "Hugging Face token": "hf" + "_" + alnum(34),
    "npm token": "np" + "m_" + alnum(36),
    "Stripe key": "sk" + "_live_" + alnum(24),
    "Slack token": "xo" + "xb-" + "123456789012-123456789012-" + alnum(24),
    "JSON web token": JWT,
    "mail service key": "SG" + "." + alnum(22) + "." + alnum(43),
    "PyPI token": "pypi-" + "AgEIcHlwaS5vcmc" + alnum(80),
    "webhook": "https://hooks.slack.com/" + "services/T00000000/B00000000/" + alnum(24),
    "Telegram bot token": "123456789" + ":" + "AA" + alnum(33),
    "payment key": "sq0" + "csp-" + alnum(43),
    "Discord bot token": "M" + alnum(23) + "." + alnum(6) + "." + alnum(27),
    "package registry token": "AK" + "C" + alnum(40),
    "DigitalOcean token": "dop" + "_v1_" + alnum(62, alphabet=HEX).rstrip("q7") + "0" * 4,
    "build or cloud token": "hv" + "s." + alnum(28),
}
MORE_TOKENS = [
    "sk-" + alnum(48),
    "github" + "_pat_" + alnum(60),
    "gh" + "s_" + alnum(120),
    "ya" + "29." + alnum(60),
    "GOC" + "SPX-" + alnum(28),
    "rk" + "_live_" + alnum(24),
    "wh" + "sec_" + alnum(32),
    "xa" + "pp-1-" + alnum(30),
    "gsk" + "_" + alnum(52),
    "xai" + "-" + alnum(80),
    "ATA" + "TT3" + alnum(60),
    "shp" + "at_" + "0af3" * 8,
    "dapi" + "0af3" * 8,
    "AGE-SECRET" + "-KEY-1" + "QZ7" * 19,
    "SK" + HEXES,
    HEXES + "-us" + "12",
    "key-" + HEXES,
]

# text with a gap, the secret that stands in it
PW, LONG = "hunter2" + "secret", alnum(40)
IN_CONTEXT = [
    ("password = '{}'", PW),
    ('password: "{}"', "letmein"),
    ("PASSWORD={}", "letmein"),
    ("export DB_PASS={}", "s3cr3tpw"),
    ("db_password: {}", PW),
    ('{{"password": "{}"}}', PW),
    ('{{\\"password\\": \\"{}\\"}}', PW),
    ('{{\\\\\\"password\\\\\\": \\\\\\"{}\\\\\\"}}', PW),
    ("The password is {}.", PW),
    ("mypwd := '{}'", PW),
    ('String password = @"{}";', PW),
    ("password: str = '{}'", PW),
    ('config["password"] = "{}"', PW),
    ('if password == "{}":', PW),
    ('if ("{}" == user_password) {{', PW),
    ("<password>{}</password>", PW),
    ('user.setPassword("{}")', PW),
    ('passphrase: "{}"', "correct horse battery staple"),
    ('"password": "{}"', 'pa\\"ss word'.replace(" ", "")),
    ("curl -u admin:{} https://x.test/", PW),
    ("mysqldump -uroot -p{} shop", PW),
    ("sshpass -p '{}' ssh host", PW),
    ("login --password {} --force", PW),
    ("tool --api-key={}", alnum(20)),
    ("Server=db;User Id=sa;Password={};Encrypt=yes", PW),
    ("aws_secret_access_key = {}", LONG),
    ('AWS_SECRET_ACCESS_KEY="{}"', LONG),
    ("FOO_API_KEY={}", alnum(24)),
    ("x-api-key: {}", alnum(24)),
    ('"client_secret": "{}"', "supersecret" + "value"),
    ("access_token={}&x=1", alnum(24)),
    ('"refreshToken": "{}"', alnum(30)),
    ("SharedAccessKey={};EntityPath=x", alnum(43) + "="),
    ("postgres://app:{}@db.internal:5432/shop", "p@ss"),
    ("redis://:{}@cache:6379/0", alnum(12)),
    ("https://deploy:{}@git.example.com/x.git", PW),
    ("Authorization: Bearer {}", alnum(32)),
    ("-H 'Authorization: Basic {}'", "dXNlcjpwYXNz"),
    ('"authorization": "token {}"', alnum(20)),
    ("got Bearer {} back", alnum(32)),
    ("Cookie: {}", "sessionid=" + alnum(32) + "; csrftoken=" + alnum(16)),
    ("Set-Cookie: {}", "sid=" + alnum(20)),
    ("//registry.npmjs.org/:_authToken={}", "12345678-aaaa-bbbb-cccc-1234567890ab"),
    ("contraseña: '{}'", PW),
    ("cloudant_password: {}", "0af3" * 16),
    ("ibm_cloud_iam_key: {}", alnum(44)),
]

HARMLESS = [
    "commit ea1402bc4f27311c55d06e318cef7d22ed1f33431a33ada16db71c4177283103",
    "git show 4a8c6fc && git log -3 1f33431a",
    "request 6fa459ea-ee8a-3ca4-894e-db77e160355e",
    '"tool_call_id": "call_Zk3vQ9xW1aBcDeFgHiJkLmNo"',
    "toolu_01A09q90qw90lq917835lq9",
    "reset the password by mail",
    "the token expired",
    "Enter your password:",
    "password is required",
    "wrong password!",
    "Password: must be at least 8 characters",
    '"password": "string"',
    "password = os.environ['DB_PASSWORD']",
    "password=process.env.DB_PASSWORD",
    "password: ${DB_PASSWORD}",
    "api_key: <token>",
    "token: null",
    "password = x",
    "password: ********",
    "secret: xxxxxxxx",
    "API_KEY=your-api-key-here",
    "password: changeme",
    "api_key=settings.api_key2",
    "password=get_password(16)",
    "token = tokenizer.next_token2()",
    "secret = config['secret']",
    "PASSWORD = DEFAULT_PASSWORD_2",
    "max_tokens: 4096, tokens=1234567890123456",
    '"tokenizer": "all-MiniLM-L6-v2-sentence-transformers"',
    '"token_type": "bearer_of_version_2_0_0_0"',
    "PWD=/home/ada/project/tools",
    "password_file: /run/secrets/db_password_1",
    '"secretName": "my-app-secret-v2-2024"',
    "secret_url: https://vault.example.com/v1/x",
    "password: str",
    "def f(token: str) -> None",
    "git clone git@github.com:owner/repo.git",
    "http://localhost:3000/@vite/client",
    "image: docker://alpine:3.18@sha256:abcdef0123",
    "postgres://app:${DB_PASS}@db/shop",
    "https://user:password@example.com",
    "-----BEGIN CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "integrity sha512-" + "Zm9vYmFyMTIz" * 7 + "==",
    "sk-learn and disk-usage-report-of-the-whole-cluster",
    "pip install scikit-learn==1.4.0",
    "order AP1234567890 for mia_li_3668, reservation ZFA04Y, credit_card_4421486, certificate_7504069",
    "1715785200:ea1402bc4f27311c55d06e318cef7d22ed1f3343",
    "Authorization: Bearer $TOKEN",
    "Authorization: <none>",
    "curl -u user: x",
    "the bearer of this certificate",
    "basic economy flights",
    "cookie: a small text",
    "--password must be given",
    "--token $TOKEN",
    "[redacted: AWS access key]",
    "AKIA" + "IOSFODNN7EXAMPLE and wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "login('ada', password='wrong')",
    "token: v2.14.0-rc.1+build.20241105",
    "password=[redacted: password] host=db1 port=5432",
    "password: [redacted: password]",
    "key: value",
    "ssh-keygen -t ed25519 -f ~/.ssh/id_ed25519",
    "AKIA is the prefix of AWS keys",
    "ghp_ tokens are 40 characters long",
    "password === confirmPassword",
    '"password", "email2"',
    "eyJ is how a JWT begins",
    "host, access_key, secret_key = s3_connection",
    "def sign(private_key: ed25519.Ed25519PrivateKey) -> bytes",
    'AUTHORIZATION = "authorization"',
    "passwd: all authentication tokens updated successfully",
    "from tokens import Token3Parser",
]


def pem(lines: int = 12, ends: bool = True, newline: str = "\n", kind: str = "RSA ") -> str:
    body = [alnum(64, seed=n) for n in range(lines)] + [alnum(30) + "=="]
    last = [f"-----END {kind}PRIVATE " + "KEY-----"] if ends else []
    return newline.join([f"-----BEGIN {kind}PRIVATE " + "KEY-----", *body, *last])


PLACES = ["use {} now", '{{"t": "{}"}}', "a\\n{}\\n", "x={}", "{}"]


def test_a_token_is_replaced_by_its_kind_wherever_it_stands() -> None:
    rows = [(place.format(token), kind, token) for kind, token in TOKENS.items() for place in PLACES]
    wrong = [
        (text, redaction)
        for text, kind, token in rows
        if (redaction := redact(text)) != Redaction(text.replace(token, f"[redacted: {kind}]"), (kind,))
    ]
    assert wrong == []


def test_the_other_token_formats_go_too() -> None:
    redacted = {token: redact(f"found {token} in the log") for token in MORE_TOKENS}
    assert [
        (token, redaction)
        for token, redaction in redacted.items()
        if redaction.text not in [f"found [redacted: {kind}] in the log" for kind in redaction.kinds[:1]]
    ] == []


def test_a_secret_is_known_by_what_stands_before_it() -> None:
    wrong: list[tuple[str, Redaction]] = []
    for text, secret in IN_CONTEXT:
        around, redaction = text.format("{}").split("{}"), redact(text.format(secret))
        if redaction.text not in [f"[redacted: {kind}]".join(around) for kind in redaction.kinds]:
            wrong.append((text, redaction))
    assert wrong == []


def test_what_only_looks_like_a_secret_stays() -> None:
    assert [text for text in HARMLESS if redact(text).text != text] == []
    assert [text for text in HARMLESS if redact(json.dumps({"content": text})).kinds] == []


def test_a_private_key_goes_as_a_whole() -> None:
    newlines, kinds = ("\n", "\r\n", "\\n", "\\\\n", "\n    12\t"), ("RSA ", "", "OPENSSH ", "EC ", "ENCRYPTED ")
    redacted = {
        (newline, kind): redact(f"before {pem(newline=newline, kind=kind)} after").text
        for newline in newlines
        for kind in kinds
    }
    assert {row: text for row, text in redacted.items() if text != "before [redacted: private key] after"} == {}


@pytest.mark.parametrize("newline", ["\n", "\\n"])
def test_a_private_key_without_its_end_goes_and_the_prose_after_it_stays(newline: str) -> None:
    text = pem(ends=False, newline=newline)
    assert redact(f"{text}{newline}and so on").text == f"[redacted: private key]{newline}and so on"


@pytest.mark.parametrize("newline", ["\n", "\\n"])
def test_a_private_key_without_its_beginning_goes_too(newline: str) -> None:
    rest = newline.join(pem(newline=newline).split(newline)[3:])
    redacted = redact(f"… cut …{newline}{rest} ok").text
    assert redacted.startswith("… cut …")
    assert redacted.endswith("[redacted: private key] ok")
    assert len(redacted) < 40


def test_an_end_line_alone_and_a_putty_key() -> None:
    alone = "grep -- '-----END RSA PRIVATE " + "KEY-----'"
    assert redact(alone).text == alone
    putty = "PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 2\n" + alnum(64) + "\n" + alnum(40) + "=\nPrivate-MAC: 1"
    assert "q7" not in redact(putty).text.split("Private-MAC")[0]


def test_a_found_value_goes_from_the_whole_text() -> None:
    text = f"DB_PASSWORD={PW}\n$ psql\nlogin with {PW} works\nsee 'x{PW}y'"
    assert PW not in redact(text).text


def test_a_short_or_plain_value_goes_only_where_it_was_found() -> None:
    assert redact("PASSWORD=kitchen\nin the kitchen").text == "PASSWORD=[redacted: password]\nin the kitchen"


def test_a_marker_that_hides_a_secret_is_no_marker() -> None:
    assert redact(f"[redacted: {TOKENS['GitHub token']}]").kinds == ("GitHub token",)


def test_a_specific_kind_names_a_secret_found_twice() -> None:
    assert redact(f"GITHUB_TOKEN={TOKENS['GitHub token']}").kinds == ("GitHub token",)


def test_several_kinds_are_listed_once_and_sorted() -> None:
    text = f"{TOKENS['Stripe key']} {TOKENS['AWS access key']} {TOKENS['Stripe key']}"
    assert redact(text).kinds == ("AWS access key", "Stripe key")


PIECES = [
    *TOKENS.values(),
    *MORE_TOKENS,
    *(text.format(secret) for text, secret in IN_CONTEXT),
    *HARMLESS,
    pem(2),
    pem(2, ends=False),
]
GLUE = st.sampled_from(
    ["", " ", "\n", "\\n", '"', "=", ": ", "[redacted: ", "]", "password", "token=", "://a:", "@", "İ"]
)


@given(st.lists(st.one_of(st.sampled_from(PIECES), GLUE, st.text(max_size=12)), max_size=12).map("".join))
def test_a_second_redaction_changes_nothing(text: str) -> None:
    once = redact(text)
    assert redact(once.text).text == once.text


@given(st.text(alphabet=st.characters(), max_size=200))
def test_no_text_makes_it_fail(text: str) -> None:
    redact(text)
    redact("password = " + text)


@given(st.sampled_from(sorted(TOKENS)), st.text(max_size=60), st.text(max_size=60))
def test_a_token_between_any_texts_never_survives(kind: str, before: str, after: str) -> None:
    assert TOKENS[kind] not in redact(f"{before} {TOKENS[kind]} {after}").text


def test_real_customer_service_trajectories_come_through_untouched() -> None:
    if not TAU_BENCH.exists():
        pytest.skip(f"{TAU_BENCH} is not here")
    for episode in json.loads(TAU_BENCH.read_text()):
        text = json.dumps(episode)
        assert redact(text).text == text


def agent_log(size: int) -> str:
    lines = [
        "$ pytest -q\n....F\nE   assert response.status_code == 200\n",
        "commit 4a8c6fc91e on main, author dev@example.com\n",
        "    def login(self, user: str, password: str) -> Token:\n        return self.tokens[user]\n",
        f"DB_PASSWORD={PW}\n",
        '{"role": "tool", "tool_call_id": "call_Zk3vQ9xW1aBcDeFgHiJkLmNo", "content": "{\\"ok\\": true}"}\n',
        "2024-05-15 15:00:00 INFO request 6fa459ea-ee8a-3ca4-894e-db77e160355e took 12 ms\n",
        "x = ' '.join(parts)\n" * 8,
    ]
    return ("".join(lines) * (size // sum(map(len, lines)) + 1))[:size]


SIZE = 2_000_000
HUGE = {
    "agent log": agent_log(SIZE),
    "agent log on one line": json.dumps(agent_log(SIZE * 9 // 10)),
    "base64": base64.b64encode(random.Random(3).randbytes(SIZE * 3 // 4)).decode(),
    "one letter": "a" * SIZE,
    "openai beginnings": "sk-" * (SIZE // 3),
    "jwt beginnings": "eyJ" * (SIZE // 3),
    "keywords": "password" * (SIZE // 8),
    "spaces after keywords": "password        " * (SIZE // 16),
    "open quotes": "password: 'x " * (SIZE // 13),
    "open keys": ("-----BEGIN RSA PRIVATE " + "KEY-----\n") * (SIZE // 32),
    "urls": "https://host/a?b=c " * (SIZE // 19),
    "backslashes": "secret" + "\\" * SIZE,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HUGE)
def test_two_megabytes_take_seconds_at_most(name: str) -> None:
    redact("warm")
    begun = time.process_time()
    redact(HUGE[name])
    assert time.process_time() - begun < 8  # 0.5 to 1.5 s on a free machine; a quadratic pattern takes minutes


def test_threads_redact_at_once() -> None:
    texts = [f"n{n} password='{alnum(12, seed=n)}' end" for n in range(200)]
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(redact, texts))
    assert [result.text for result in results] == [f"n{n} password='[redacted: password]' end" for n in range(200)]


def test_nothing_is_logged(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    with caplog.at_level(logging.DEBUG):
        redact(f"password='{PW}' {TOKENS['AWS access key']}")
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_the_rules_are_read_only_when_needed() -> None:
    program = (
        "from strategy_bank.tools.safety.rule_file import contents\n"
        "from strategy_bank.tools.safety.redact import redact\n"
        "assert not contents.cache_info().currsize\n"
        "redact('x'); assert contents.cache_info().currsize"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
