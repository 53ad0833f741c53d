"""Test set for the redactor: secrets(seed) and look_alikes(seed). Every value is random by seed; none was ever issued.
Written from vendors' formats, without looking at any rule. Python 3.11, standard library only, no files, no network.
Literals a scanner would stop are cut with the mark '~' (removed at run time) or put together with +."""
import base64, binascii, hashlib, hmac, json, random, re, urllib.parse, uuid, zlib

AL = {"h": "0123456789abcdef", "H": "0123456789ABCDEF", "d": "0123456789", "i": "abcdefghijklmnopqrstuvwxyz",
      "I": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
AL["L"] = AL["i"] + AL["I"]
AL["a"] = AL["d"] + AL["L"]                 # alnum
AL["l"] = AL["d"] + AL["i"]                 # lower alnum
AL["u"] = AL["d"] + AL["I"]                 # upper alnum
AL["w"] = AL["a"] + "_-"                    # url-safe base64
AL["b"] = AL["a"] + "+/"                    # base64
AL["B"] = AL["i"] + "234567"                # base32, lower
AL["K"] = AL["I"] + "234567"                # base32, upper
AL["p"] = AL["a"] + "!#%*+-.=?_"            # a password's letters without quotes, spaces, @ : / \\ & ; < > $ ^
B62 = AL["d"] + AL["I"] + AL["i"]
B36 = AL["d"] + AL["i"]


def rs(r, al, n):
    return "".join(r.choice(AL.get(al, al)) for _ in range(n))


def T(r, t):
    """Fills a template: <h:40> is 40 hex digits, <U> a uuid, ~ nothing."""
    t = re.sub(r"<U>", lambda m: str(uuid.UUID(int=r.getrandbits(128), version=4)), t)
    return re.sub(r"<([A-Za-z]):(\d+)>", lambda m: rs(r, m[1], int(m[2])), t.replace("~", ""))


def b64(x):
    return base64.b64encode(x if isinstance(x, bytes) else x.encode()).decode()


def b64u(x):
    return base64.urlsafe_b64encode(x if isinstance(x, bytes) else x.encode()).decode().rstrip("=")


def rb(r, n):
    return bytes(r.getrandbits(8) for _ in range(n))


def num(n, al, width):
    s = ""
    while n:
        n, m = divmod(n, len(al)); s = al[m] + s
    return s.rjust(width, "0")


def pw(r, n=None):
    """A random password: at least a small and a capital letter, a digit, a sign; begins and ends with letter or digit."""
    while True:
        s = rs(r, "a", 1) + rs(r, "p", (n or r.randrange(12, 19)) - 2) + rs(r, "a", 1)
        if all(re.search(c, s) for c in ("[a-z]", "[A-Z]", "[0-9]", "[^A-Za-z0-9]")):
            return s


def pwa(r, n=16):
    """A password of letters and digits alone."""
    while True:
        s = rs(r, "a", n)
        if all(re.search(c, s) for c in ("[a-z]", "[A-Z]", "[0-9]")):
            return s


def human(r):
    """A password as people choose it."""
    w = ["Sommer", "Falcon", "Bridge", "Otter", "Maple", "Copper", "Winter", "Harbor", "Violet", "Rocket", "Tiger", "Pepper"]
    return r.choice(w) + r.choice(w) + r.choice(["!", "#", "_", "-", "*"]) + rs(r, "d", 4)


def wrap(s, n=64, pre=""):
    return "\n".join(pre + s[i:i + n] for i in range(0, len(s), n))


def gh(r, p):                               # GitHub (classic) and npm: 30 random, 6 of CRC-32 in base 62
    body = rs(r, "a", 30)
    return p + body + num(zlib.crc32(body.encode()), B62, 6)


def routable(r, p):                         # GitLab's routable token: payload.version.length+crc
    pl = b64u(rb(r, 15) + b"o:1\nu:" + rs(r, "l", 4).encode() + rb(r, 10))
    s = p + pl + ".01." + num(len(pl), B36, 2)
    return s + num(zlib.crc32(s.encode()), B36, 7)


def jwt(r, claims=None, head=None):
    h = b64u(json.dumps(head or {"alg": "HS256", "typ": "JWT"}, separators=(",", ":")))
    p = b64u(json.dumps(claims or {"sub": rs(r, "d", 10), "name": r.choice(["ana", "jo", "li"]), "iat": 1730000000 + r.randrange(10**7)}, separators=(",", ":")))
    return f"{h}.{p}." + b64u(hmac.new(rb(r, 32), f"{h}.{p}".encode(), "sha256").digest())


def bech32(hrp, data):
    C = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    acc = bits = 0; d = []
    for x in data:
        acc = acc << 8 | x; bits += 8
        while bits >= 5:
            bits -= 5; d.append(acc >> bits & 31)
    if bits: d.append(acc << 5 - bits & 31)

    def pm(v):
        c = 1
        for x in v:
            t = c >> 25; c = (c & 0x1ffffff) << 5 ^ x
            for i, g in enumerate((0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3)):
                c ^= g if t >> i & 1 else 0
        return c
    e = [ord(c) >> 5 for c in hrp] + [0] + [ord(c) & 31 for c in hrp]
    m = pm(e + d + [0] * 6) ^ 1
    return hrp + "1" + "".join(C[x] for x in d + [m >> 5 * (5 - i) & 31 for i in range(6)])


def lines(s, least=8):
    return [x.strip() for x in s.splitlines() if len(x.strip()) >= least]


# ---------------------------------------------------------------- tokens
# slug | template | key name. "!" before the name: the value tells nothing by itself, so the name always stands with it.
TOKENS = """
openai-project|sk-pr~oj-<w:74>T3Blb~kFJ<w:74>|OPENAI_API_KEY
openai-legacy|s~k-<a:20>T3Blb~kFJ<a:20>|OPENAI_API_KEY
openai-service-account|sk-svc~acct-<w:74>T3Blb~kFJ<w:74>|OPENAI_API_KEY
openai-admin|sk-ad~min-<w:74>T3Blb~kFJ<w:74>|OPENAI_ADMIN_KEY
anthropic-api|sk-a~nt-api03-<w:93>AA|ANTHROPIC_API_KEY
anthropic-admin|sk-a~nt-admin01-<w:93>AA|ANTHROPIC_ADMIN_KEY
anthropic-oauth|sk-a~nt-oat01-<w:93>AA|CLAUDE_CODE_OAUTH_TOKEN
huggingface-user|h~f_<L:34>|HF_TOKEN
replicate|r~8_<a:37>|REPLICATE_API_TOKEN
groq|gs~k_<a:20>WGdyb3FY<a:24>|GROQ_API_KEY
xai|xa~i-<a:80>|XAI_API_KEY
perplexity|ppl~x-<a:48>|PERPLEXITY_API_KEY
openrouter|sk-o~r-v1-<h:64>|OPENROUTER_API_KEY
deepseek|s~k-<h:32>|DEEPSEEK_API_KEY
mistral|<a:32>|!MISTRAL_API_KEY
cohere|<a:40>|!CO_API_KEY
elevenlabs|s~k_<h:48>|ELEVENLABS_API_KEY
google-api-key|AI~zaSy<w:33>|GEMINI_API_KEY
together|tg~p_v1_<w:43>|TOGETHER_API_KEY
together-hex|<h:64>|!TOGETHER_API_KEY
fireworks|f~w_<a:24>|!FIREWORKS_API_KEY
langsmith|ls~v2_pt_<h:32>_<h:10>|LANGSMITH_API_KEY
langsmith-service|ls~v2_sk_<h:32>_<h:10>|LANGSMITH_API_KEY
langfuse|s~k-lf-<U>|LANGFUSE_SECRET_KEY
wandb|<h:40>|!WANDB_API_KEY
nvidia-ngc|nv~api-<w:64>|NVIDIA_API_KEY
voyage|p~a-<w:43>|!VOYAGE_API_KEY
pinecone|pc~sk_<a:6>_<a:63>|PINECONE_API_KEY
tavily|tv~ly-dev-<a:32>|TAVILY_API_KEY
cerebras|cs~k-<l:48>|CEREBRAS_API_KEY
jina|ji~na_<h:32><w:28>|JINA_API_KEY
e2b|e2~b_<h:40>|E2B_API_KEY
firecrawl|f~c-<h:32>|FIRECRAWL_API_KEY
modal-secret|a~s-<a:22>|!MODAL_TOKEN_SECRET
deepgram|<h:40>|!DEEPGRAM_API_KEY
exa-uuid|<U>|!EXA_API_KEY
github-fine-grained|github~_pat_11<u:20>_<a:59>|GITHUB_TOKEN
gitlab-pat|glp~at-<w:20>|GITLAB_TOKEN
gitlab-runner|glr~t-<w:20>|RUNNER_TOKEN
gitlab-deploy|gld~t-<w:20>|CI_DEPLOY_PASSWORD
gitlab-trigger|glpt~t-<h:40>|TRIGGER_TOKEN
gitlab-ci-job|glc~bt-64_<w:20>|CI_JOB_TOKEN
gitea|<h:40>|!GITEA_TOKEN
bitbucket-app-password|AT~BB<a:24><H:8>|BITBUCKET_APP_PASSWORD
azure-devops-pat|<B:52>|!AZURE_DEVOPS_EXT_PAT
digitalocean-pat|do~p_v1_<h:64>|DIGITALOCEAN_ACCESS_TOKEN
digitalocean-oauth|do~o_v1_<h:64>|DO_TOKEN
cloudflare-token|<w:40>|!CLOUDFLARE_API_TOKEN
cloudflare-global|<h:37>|!CLOUDFLARE_API_KEY
cloudflare-origin-ca|v1~.0-<h:24>-<h:146>|CLOUDFLARE_ORIGIN_CA_KEY
hetzner|<a:64>|!HCLOUD_TOKEN
linode|<h:64>|!LINODE_CLI_TOKEN
scaleway|<U>|!SCW_SECRET_KEY
vultr|<u:36>|!VULTR_API_KEY
fly-io|fo~1_<w:43>|FLY_API_TOKEN
fly-macaroon|fm2~_lJPE<b:120>=|FLY_API_TOKEN
heroku|HR~KU-AA<w:58>|HEROKU_API_KEY
heroku-uuid|<U>|!HEROKU_API_KEY
vercel|<a:24>|!VERCEL_TOKEN
netlify|nf~p_<a:36>|NETLIFY_AUTH_TOKEN
render|rn~d_<a:32>|RENDER_API_KEY
railway|<U>|!RAILWAY_TOKEN
ibm-cloud|<w:44>|!IBMCLOUD_API_KEY
yandex-api-key|AQ~VN<w:36>|YANDEX_API_KEY
yandex-oauth|y0_~AgAAAA<w:48>|YANDEX_OAUTH_TOKEN
gcp-oauth-client-secret|GOC~SPX-<w:28>|GOOGLE_CLIENT_SECRET
gcp-access-token|ya~29.a0A<w:180>|GOOGLE_OAUTH_ACCESS_TOKEN
gcp-refresh-token|1~//0<d:1><w:60>|GOOGLE_REFRESH_TOKEN
azure-client-secret|<a:3>8~Q~~<w:34>|AZURE_CLIENT_SECRET
azure-cognitive|<h:32>|!AZURE_OPENAI_API_KEY
azure-openai-new|<a:52>JQQJ99~B<u:1>AC<a:1>eBjFXJ3w3AAA<a:3>ACOG<a:4>|AZURE_OPENAI_API_KEY
pypi|py~pi-AgEIcHl~waS5vcmc<w:150>|TWINE_PASSWORD
rubygems|ruby~gems_<h:48>|GEM_HOST_API_KEY
crates-io|ci~o<a:32>|CARGO_REGISTRY_TOKEN
nuget|oy~2<B:43>|NUGET_API_KEY
docker-hub-pat|dck~r_pat_<w:27>|DOCKERHUB_TOKEN
docker-hub-org|dck~r_oat_<w:32>|DOCKERHUB_TOKEN
jfrog-api|AK~Cp<a:69>|JFROG_API_KEY
jfrog-reference|cmVm~dGtuOjAxOj<a:50>|JFROG_ACCESS_TOKEN
clojars|CLO~JARS_<h:60>|CLOJARS_PASSWORD
buildkite|bk~ua_<h:40>|BUILDKITE_API_TOKEN
circleci|CCI~PAT_<a:22>_<h:40>|CIRCLECI_TOKEN
terraform-cloud|<a:14>.atlas~v1.<w:67>|TF_TOKEN_app_terraform_io
pulumi|pu~l-<h:40>|PULUMI_ACCESS_TOKEN
vault-service|hv~s.CAESI<w:90>|VAULT_TOKEN
vault-batch|hv~b.AAAAAQ<w:140>|VAULT_TOKEN
vault-legacy|s~.<a:24>|!VAULT_TOKEN
jenkins-api|11<h:32>|!JENKINS_API_TOKEN
codecov|<U>|!CODECOV_TOKEN
sonarqube|sq~p_<h:40>|SONAR_TOKEN
snyk|<U>|!SNYK_TOKEN
doppler|dp~.pt.<a:43>|DOPPLER_TOKEN
doppler-service|dp~.st.prd.<a:43>|DOPPLER_TOKEN
prefect|pn~u_<a:36>|PREFECT_API_KEY
databricks|da~pi<h:32>-2|DATABRICKS_TOKEN
harness|pa~t.<w:22>.<h:24>.<a:20>|HARNESS_API_KEY
octopus|AP~I-<u:26>|!OCTOPUS_API_KEY
slack-bot|xo~xb-<d:12>-<d:13>-<a:24>|SLACK_BOT_TOKEN
slack-user|xo~xp-<d:12>-<d:12>-<d:13>-<h:32>|SLACK_USER_TOKEN
slack-app|xa~pp-1-A<u:10>-<d:13>-<h:64>|SLACK_APP_TOKEN
slack-refresh|xo~xe-1-My0xL<a:142>|SLACK_REFRESH_TOKEN
telegram-bot|<d:10>:A~A<w:33>|TELEGRAM_BOT_TOKEN
mattermost|<B:26>|!MATTERMOST_TOKEN
twilio-auth|<h:32>|!TWILIO_AUTH_TOKEN
sendgrid|S~G.<w:22>.<w:43>|SENDGRID_API_KEY
mailgun-old|ke~y-<h:32>|MAILGUN_API_KEY
mailgun-new|<h:32>-<h:8>-<h:8>|MAILGUN_API_KEY
mailchimp|<h:32>-us1<d:1>|MAILCHIMP_API_KEY
postmark|<U>|!POSTMARK_SERVER_TOKEN
brevo|xkey~sib-<h:64>-<a:16>|BREVO_API_KEY
resend|r~e_<a:8>_<a:24>|RESEND_API_KEY
stripe-live|sk_~live_51<a:97>|STRIPE_SECRET_KEY
stripe-restricted|rk_~live_51<a:97>|STRIPE_RESTRICTED_KEY
stripe-test|sk_~test_51<a:97>|STRIPE_SECRET_KEY
stripe-webhook|wh~sec_<a:32>|STRIPE_WEBHOOK_SECRET
square|EA~AAl<w:59>|SQUARE_ACCESS_TOKEN
square-secret|sq0c~sp-<w:43>|SQUARE_APPLICATION_SECRET
paypal-secret|E<w:79>|!PAYPAL_CLIENT_SECRET
braintree|access_~token$production$<l:16>$<h:32>|BRAINTREE_ACCESS_TOKEN
shopify-admin|shp~at_<h:32>|SHOPIFY_ADMIN_TOKEN
shopify-shared|shp~ss_<h:32>|SHOPIFY_API_SECRET
razorpay|<a:24>|!RAZORPAY_KEY_SECRET
paddle|pdl~_live_apikey_01<l:24>_<a:22>_<a:3>|PADDLE_API_KEY
flutterwave|FLWS~ECK-<h:32>-X|FLW_SECRET_KEY
datadog-api|<h:32>|!DD_API_KEY
datadog-app|<h:40>|!DD_APP_KEY
newrelic-user|NR~AK-<u:27>|NEW_RELIC_API_KEY
newrelic-license|<h:36>FFFF~NRAL|NEW_RELIC_LICENSE_KEY
sentry-user|sntr~yu_<h:64>|SENTRY_AUTH_TOKEN
honeycomb|hca~ik_01<l:56>|HONEYCOMB_API_KEY
dynatrace|dt0~c01.<K:24>.<K:64>|DT_API_TOKEN
pagerduty|u+<w:18>|!PAGERDUTY_TOKEN
rollbar|<h:32>|!ROLLBAR_ACCESS_TOKEN
posthog-personal|ph~x_<a:43>|POSTHOG_PERSONAL_API_KEY
axiom|xa~at-<U>|AXIOM_TOKEN
splunk-hec|<U>|!SPLUNK_HEC_TOKEN
launchdarkly|sd~k-<U>|LD_SDK_KEY
planetscale-token|pscale~_tkn_<w:43>|PLANETSCALE_SERVICE_TOKEN
planetscale-password|pscale~_pw_<w:43>|DATABASE_PASSWORD
supabase-pat|sb~p_<h:40>|SUPABASE_ACCESS_TOKEN
supabase-secret|sb_~secret_<w:22>_<w:8>|SUPABASE_SECRET_KEY
neon-api|na~pi_<l:64>|NEON_API_KEY
aiven|AV~NS_<w:18>|AIVEN_PASSWORD
mongodb-atlas|<U>|!MONGODB_ATLAS_PRIVATE_KEY
cockroach|CCDB~1_<a:22>_<a:40>|COCKROACH_API_KEY
linear|lin_~api_<a:40>|LINEAR_API_KEY
notion-old|secret~_<a:43>|NOTION_TOKEN
notion-new|nt~n_<d:11><a:35>|NOTION_TOKEN
figma|fig~d_<w:40>|FIGMA_TOKEN
airtable|pa~t<a:14>.<h:64>|AIRTABLE_API_KEY
asana|2/<d:16>/<d:16>:<h:32>|!ASANA_ACCESS_TOKEN
clickup|p~k_<d:8>_<u:32>|CLICKUP_TOKEN
postman|PM~AK-<h:24>-<h:34>|POSTMAN_API_KEY
typeform|tf~p_<w:43>_<a:15>|TYPEFORM_TOKEN
dropbox|sl~.u.AF<w:130>|DROPBOX_TOKEN
algolia|<h:32>|!ALGOLIA_ADMIN_KEY
contentful|CF~PAT-<w:43>|CONTENTFUL_MANAGEMENT_TOKEN
hubspot|pa~t-na1-<U>|HUBSPOT_TOKEN
okta|00<w:40>|!OKTA_API_TOKEN
salesforce-session|00D<a:12>!AQ<a:96>|SF_ACCESS_TOKEN
onepassword-secret-key|A~3-<u:6>-<u:6>-<u:5>-<u:5>-<u:5>-<u:5>|OP_SECRET_KEY
bitwarden-machine|0.<U>.<a:30>:<b:22>==|BWS_ACCESS_TOKEN
tailscale-auth|ts~key-auth-k<a:10>CNTRL-<a:32>|TS_AUTHKEY
tailscale-api|ts~key-api-k<a:10>CNTRL-<a:32>|TAILSCALE_API_KEY
ngrok|2<a:26>_<a:20>|!NGROK_AUTHTOKEN
facebook|EA~AG<a:170>|FB_PAGE_TOKEN
twitter-bearer|AAAAAAAAAAAAA~AAAAAAAAA<a:40>%3D<a:40>|TWITTER_BEARER
twitch|oau~th:<l:30>|TWITCH_OAUTH
adobe-secret|p8~e-<w:32>|ADOBE_CLIENT_SECRET
clerk|sk_~live_<a:40>|CLERK_SECRET_KEY
easypost|EZ~AK<h:32><a:22>|EASYPOST_API_KEY
duffel|duffel~_live_<w:43>|DUFFEL_TOKEN
dingtalk-robot|<h:64>|!DINGTALK_ACCESS_TOKEN
firebase-fcm|AA~AA<a:7>:APA91b<w:134>|FCM_SERVER_KEY
generic-app-secret|<h:64>|!SECRET_KEY_BASE
django-secret-key|django-inse~cure-<l:50>|!SECRET_KEY
"""

# contexts for a token that says itself what it is: {t} token, {n} key name
OPEN = {
    "prose": "The request kept failing with 401 until I used {t} instead of the expired one; then the list came back.",
    "bare": "{t}",
    "sentence-end": "Found the key the deploy uses: {t}.",
    "log": "2025-11-03T08:14:22.118Z DEBUG http.client sending header Authorization: Bearer {t} status=200 dur=83ms",
    "json": '{{"service": "billing", "apiKey": "{t}", "retries": 3}}',
    "yaml": "service:\n  name: billing\n  token: {t}\n  retries: 3",
    "shell": "export {n}={t}\nmake deploy",
    "python": "client = Client('{t}', timeout=30)",
    "agent-step": "Step 4. bash: curl -sS -H \"Authorization: Bearer {t}\" https://api.internal.example/v1/items | jq '.items[0]'",
    "agent-json": '{{"tool": "bash", "args": {{"command": "{n}={t} npm run release"}}, "ok": true}}',
    "json-in-text": 'The tool answered: {{"ok":true,"data":{{"{n}":"{t}","ttl":3600}}}} and I went on.',
    "json-in-json": '{{"step": 2, "output": "{{\\"env\\": {{\\"{n}\\": \\"{t}\\"}}}}"}}',
    "markdown": "- set `{n}` to `{t}` in the project's settings",
    "table": "| variable | value |\n|---|---|\n| {n} | {t} |",
    "docker-env": "docker run --rm -e {n}={t} ghcr.io/acme/worker:1.4.2",
    "traceback": "  File \"/app/client.py\", line 41, in _auth\n    raise AuthError(f\"bad token {{tok}}\")\nAuthError: bad token {t}",
    "url": "GET https://api.internal.example/v1/items?limit=5&access_token={t} 200",
    "toml": "[auth]\nuser = \"svc\"\ntoken = \"{t}\"",
    "diff": "-  {n}: \"changeme\"\n+  {n}: \"{t}\"",
    "angle": "curl says: HTTP/2 403, token <{t}> has no scope 'write'",
}
NAMED = {
    "env": "{n}={t}",
    "shell": "$ export {n}='{t}'\n$ ./deploy.sh --stage prod",
    "json": '{{"region": "eu", "{n}": "{t}"}}',
    "yaml": "env:\n  STAGE: prod\n  {n}: \"{t}\"",
    "python": "os.environ[\"{n}\"] = \"{t}\"",
    "agent-json": '{{"tool": "bash", "args": {{"command": "{n}={t} npm run release"}}, "ok": true}}',
    "json-in-json": '{{"step": 2, "output": "{{\\"{n}\\": \\"{t}\\"}}"}}',
    "log": "2025-11-03 08:14:22 INFO config: loaded {n}={t} from /etc/app/env",
    "prose": "I had to set {n} to {t} before the job would start.",
    "docker-env": "docker run --rm -e {n}={t} ghcr.io/acme/worker:1.4.2",
    "dockerfile": "FROM alpine:3.20\nENV {n}={t}\nRUN make",
    "powershell": "$env:{n} = \"{t}\"",
    "gh-secret": "gh secret set {n} --body {t} --repo acme/site",
    "k8s-env": "        - name: {n}\n          value: \"{t}\"",
    "ini": "[default]\n{n} = {t}",
}


def _tokens(r):
    out = []
    rows = [x.split("|") for x in TOKENS.strip().splitlines()]
    oo, nn = list(OPEN), list(NAMED)
    fixed = [(s, f, n) for s, f, n in (
        ("github-classic", lambda: gh(r, "gh" + "p_"), "GH_TOKEN"), ("github-oauth", lambda: gh(r, "gh" + "o_"), "GH_TOKEN"),
        ("github-app-user", lambda: gh(r, "gh" + "u_"), "GH_TOKEN"), ("github-installation", lambda: gh(r, "gh" + "s_"), "GITHUB_TOKEN"),
        ("github-refresh", lambda: gh(r, "gh" + "r_"), "GH_REFRESH"), ("npm", lambda: gh(r, "np" + "m_"), "NPM_TOKEN"),
        ("gitlab-pat-routable", lambda: routable(r, "glp" + "at-"), "GITLAB_TOKEN"),
        ("grafana-service-account", lambda: (lambda s: "gl" + "sa_" + s + "_%08x" % zlib.crc32(s.encode()))(rs(r, "a", 32)), "GRAFANA_TOKEN"),
        ("grafana-cloud", lambda: "gl" + "c_" + b64(json.dumps({"o": rs(r, "d", 6), "n": "ci", "k": rs(r, "a", 24), "m": {"r": "eu"}})), "GRAFANA_CLOUD_TOKEN"),
        ("sentry-org", lambda: "sntr" + "ys_" + b64(json.dumps({"iat": 17 * 10**8 + r.random(), "url": "https://sentry.io", "org": "acme"})).rstrip("=") + "_" + rs(r, "b", 43), "SENTRY_AUTH_TOKEN"),
        ("atlassian-api", lambda: (lambda s: s + "=%08X" % zlib.crc32(s.encode()))("ATAT" + "T3xFfGF0" + rs(r, "w", 171)), "JIRA_API_TOKEN"),
        ("onepassword-service", lambda: "op" + "s_" + b64u(json.dumps({"signInAddress": "acme.1password.com", "userAuth": {"method": "SRPg-4096"}, "secretKey": rs(r, "u", 34), "srpX": rs(r, "h", 64)})), "OP_SERVICE_ACCOUNT_TOKEN"),
        ("mapbox-secret", lambda: "sk" + ".eyJ1" + b64u(json.dumps({"u": "acme", "a": rs(r, "l", 25)}))[4:] + "." + rs(r, "w", 22), "MAPBOX_SECRET_TOKEN"),
        ("discord-bot", lambda: b64u(rs(r, "d", 18)) + ".G" + rs(r, "w", 5) + "." + rs(r, "w", 38), "DISCORD_TOKEN"),
        ("jwt-hs256", lambda: jwt(r), "SESSION_JWT"),
        ("jwt-supabase-service-role", lambda: jwt(r, {"iss": "supabase", "ref": rs(r, "i", 20), "role": "service_role", "iat": 1700000000, "exp": 2000000000}), "SUPABASE_SERVICE_ROLE_KEY"),
        ("jwt-kubernetes", lambda: jwt(r, {"iss": "kubernetes/serviceaccount", "kubernetes.io/serviceaccount/namespace": "prod", "sub": "system:serviceaccount:prod:ci"}, {"alg": "RS256", "kid": rs(r, "w", 43)}), "KUBE_TOKEN"),
        ("jwe", lambda: b64u('{"alg":"dir","enc":"A256GCM"}') + ".." + rs(r, "w", 16) + "." + rs(r, "w", 120) + "." + rs(r, "w", 22), "SESSION"),
        ("bedrock-api-key", lambda: "AB" + "SK" + b64("BedrockAPIKey-" + rs(r, "l", 4) + "-at-" + rs(r, "d", 12) + ":" + b64(rb(r, 32))), "AWS_BEARER_TOKEN_BEDROCK"),
    )]
    for i, (s, t, n) in enumerate(rows):
        t = t.replace("~~", "\0")                 # a true tilde (Azure)
        fixed.append((s, lambda t=t: T(r, t).replace("\0", "~"), n))
    for i, (s, f, n) in enumerate(fixed):
        shapes, tpl = (nn, NAMED) if n[0] == "!" else (oo, OPEN)
        k = r.randrange(len(shapes))
        for j in (0, 1):
            sh = shapes[(k + j * 7 + i) % len(shapes)]
            v = f()
            out.append((f"{s}/{sh}", tpl[sh].format(t=v, n=n.lstrip("!")), [v]))
    return out


# ---------------------------------------------------------------- everything with a shape of its own
# 256 words of BIP-39's English list: every eighth, so the k-th here has index 8k (enough to build phrases whose checksum holds).
BIP = """abandon absurd acoustic adapt advice agree alcohol alpha amount animal anxiety arch army artist asthma audit avoid baby bamboo basic beef bench bid blade blossom boil borrow brand bright brown bulk business cactus canal capital cart catch celery champion check chimney cinnamon claw climb clown code come congress copy country craft credit cross crush current damage day decorate deliver deposit despair dial dignity disease divorce donate dragon drink dune eagle ecology either elite empower energy enrich equal escape evoke excuse exotic extra faith fantasy favorite fence figure finish fix flip foam force foster fringe fun gallery gas genre ginger glide goat govern gravity grow gym harbor head help hire home host humor hybrid illegal improve indoor inject insect invite jacket job jungle key kitchen lab laptop lawn lecture length library link loan lottery lunar maid mandate marine math meat mention metal minimum mix monitor mosquito much must narrow neglect never noodle novel object october old only orchard other own pair parade patient pear perfect piano pink plastic poem pool poverty present prison project public puppy pyramid quote rain rare reason reduce relax render require retreat ribbon ring roast rose rug safe sample scale scissors search seek series shallow ship shove siege simple skate slam slot snack sock someone source speed spirit spread staff steak stock strike submit suit sure swallow swing tackle task tenant theme three tilt toast tomato topic toward train trend trouble tube twelve ugly unfair unlock upper useless valve velvet vessel village vital voyage warfare way weekend wheel wild winter wonder wrap yellow""".split()


def seed_phrase(r, n=12):
    while True:
        ix = [r.randrange(256) for _ in range(n)]
        x = 0
        for i in ix: x = x << 11 | i * 8
        cs = n // 3
        ent = (x >> cs).to_bytes((n * 11 - cs) // 8, "big")
        if hashlib.sha256(ent).digest()[0] >> (8 - cs) == x & (1 << cs) - 1 and len(set(ix)) == n:
            return [BIP[i] for i in ix]


def pem(r, label, start="MIIEpAIBAAKCAQEA", n=1100, end=True, head=""):
    body = start + rs(r, "b", n - len(start) - 2) + "=="
    b = "-----BEGIN " + label + "-----"
    e = "-----END " + label + "-----"
    w = wrap(body)
    return f"{b}\n{head}{w}\n" + (e if end else ""), lines(w)


RSA, PK8, EC, OSSH, DSA = ("RSA PRIV" + "ATE KEY", "PRIV" + "ATE KEY", "EC PRIV" + "ATE KEY", "OPENSSH PRIV" + "ATE KEY", "DSA PRIV" + "ATE KEY")
PGP, ENC = "PGP PRIV" + "ATE KEY BLOCK", "ENCRYPTED PRIV" + "ATE KEY"


def aws(r):
    return "AK" + "IA" + rs(r, "K", 16), rs(r, "b", 40)


def one(tpl, f=pw):
    """A case with one secret {s}; {u} a user, {h} a host."""
    def g(r):
        s = f(r)
        return tpl.replace("{s}", s).replace("{u}", r.choice(["admin", "svc_etl", "deploy", "anna", "app"])).replace("{h}", r.choice(["db1.acme.internal", "10.20.3.14", "queue.acme.io"])), [s]
    return g


h40 = lambda r: rs(r, "h", 40)
a20 = lambda r: pwa(r, 20)
k64 = lambda r: b64(rb(r, 64))
k32 = lambda r: b64(rb(r, 32))

S = []                                      # (kind, function)


def add(kind, f):
    S.append((kind, f))


# clouds
add("aws-access-pair/credentials-file", lambda r: (lambda i, s: (f"[default]\naws_access_key_id = {i}\naws_secret_access_key = {s}\nregion = eu-central-1", [s]))(*aws(r)))
add("aws-access-pair/env", lambda r: (lambda i, s: (f"AWS_ACCESS_KEY_ID={i} AWS_SECRET_ACCESS_KEY={s} aws s3 ls", [s]))(*aws(r)))
add("aws-access-pair/json", lambda r: (lambda i, s: (json.dumps({"AccessKey": {"UserName": "ci", "AccessKeyId": i, "Status": "Active", "SecretAccessKey": s}}), [s]))(*aws(r)))
add("aws-access-pair/python", lambda r: (lambda i, s: (f"s3 = boto3.client('s3', aws_access_key_id='{i}', aws_secret_access_key='{s}')", [s]))(*aws(r)))
add("aws-session-token/json", lambda r: (lambda s, t: (json.dumps({"Credentials": {"AccessKeyId": "AS" + "IA" + rs(r, "K", 16), "SecretAccessKey": s, "SessionToken": t, "Expiration": "2025-11-03T14:00:00Z"}}, indent=1), [s, t]))(rs(r, "b", 40), "IQoJb3JpZ2luX2Vj" + rs(r, "b", 320) + "=="))
add("aws-presigned-url", lambda r: (lambda s: (f"https://acme.s3.amazonaws.com/r.csv?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK" + f"IA{rs(r,'K',16)}%2F20251103%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20251103T081422Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature={s}", [s]))(rs(r, "h", 64)))
add("aws-ses-smtp", one("SMTP_USERNAME=" + "AK" + "IAQW3ERTY4UIOP5ASD\nSMTP_PASSWORD={s}\nSMTP_HOST=email-smtp.eu-west-1.amazonaws.com", lambda r: "B" + rs(r, "b", 43)))
def _gcp(r):
    p, sec = pem(r, PK8, "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", 1600)
    return json.dumps({"type": "service_account", "project_id": "acme-prod", "private_key_id": rs(r, "h", 40), "private_key": p + "\n", "client_email": "ci@acme-prod.iam.gserviceaccount.com"}, indent=2), sec
add("gcp-service-account/json", _gcp)
add("gcp-adc-refresh/json", lambda r: (lambda c, t: (json.dumps({"client_id": rs(r, "d", 12) + "-" + rs(r, "l", 32) + ".apps.googleusercontent.com", "client_secret": c, "refresh_token": t, "type": "authorized_user"}), [c, t]))("GOC" + "SPX-" + rs(r, "w", 28), "1/" + "/03" + rs(r, "w", 60)))
add("gcs-signed-url", lambda r: (lambda s: (f"gsutil says https://storage.googleapis.com/acme/r.csv?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Date=20251103T081422Z&X-Goog-Expires=3600&X-Goog-SignedHeaders=host&X-Goog-Signature={s}", [s]))(rs(r, "h", 512)))
add("gcs-hmac", lambda r: (lambda s: (f"[Credentials]\ngs_access_key_id = GOOG1E{rs(r,'K',55)}\ngs_secret_access_key = {s}", [s]))(rs(r, "b", 40)))
add("azure-storage-connection", one("DefaultEndpointsProtocol=https;AccountName=acmeprod;AccountKey={s};EndpointSuffix=core.windows.net", k64))
add("azure-storage-key/cli", one("az storage blob list --account-name acmeprod --account-key {s} -c logs -o table", k64))
def _sas(r):
    s = urllib.parse.quote(b64(rb(r, 32)), safe="")
    return f"azcopy copy r.csv 'https://acmeprod.blob.core.windows.net/logs/r.csv?sv=2023-11-03&st=2025-11-03T08%3A00%3A00Z&se=2025-12-03T08%3A00%3A00Z&sr=c&sp=racwl&sig={s}'", [s]
add("azure-sas/url", _sas)
add("azure-sas/account-token", lambda r: (lambda s: (f"AZURE_STORAGE_SAS_TOKEN=?sv=2022-11-02&ss=bfqt&srt=sco&sp=rwdlacupiytfx&se=2026-01-01T00:00:00Z&spr=https&sig={s}", [s]))(urllib.parse.quote(b64(rb(r, 32)), safe="")))
add("azure-servicebus", one("Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey={s};EntityPath=orders", k32))
add("azure-iot-device", one("HostName=acme.azure-devices.net;DeviceId=pump7;SharedAccessKey={s}", k32))
add("azure-sas-authorization", lambda r: (lambda s: (f"Authorization: SharedAccessSignature sr=acme.servicebus.windows.net%2Forders&sig={s}&se=1767225600&skn=send", [s]))(urllib.parse.quote(b64(rb(r, 32)), safe="")))
add("azure-cosmos", one("AccountEndpoint=https://acme.documents.azure.com:443/;AccountKey={s};", k64))
add("azure-app-config", one("Endpoint=https://acme.azconfig.io;Id=x1-l9-s0:{u};Secret={s}", k32))
add("azure-function-code", one("curl 'https://acme-fn.azurewebsites.net/api/Resize?code={s}'", lambda r: rs(r, "w", 54) + "=="))
add("azure-logic-app-sig", one("POST https://prod-12.westeurope.logic.azure.com/workflows/9c2e/triggers/manual/paths/invoke?api-version=2016-10-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={s}", lambda r: rs(r, "w", 43)))
add("azure-sp-login", one("az login --service-principal -u 3f1c2d77-0c0e-4a8e-9f43-9f3cf2a6bb10 -p {s} --tenant acme.onmicrosoft.com", lambda r: rs(r, "a", 3) + "8Q" + "~" + rs(r, "w", 34)))
add("alibaba/pair", lambda r: (lambda s: (f"ALIBABA_CLOUD_ACCESS_KEY_ID=LT" + f"AI5t{rs(r,'a',18)}\nALIBABA_CLOUD_ACCESS_KEY_SECRET={s}", [s]))(rs(r, "a", 30)))
add("alibaba/oss-config", lambda r: (lambda s: (f"[Credentials]\nendpoint=oss-cn-hangzhou.aliyuncs.com\naccessKeyID=LT" + f"AI5t{rs(r,'a',18)}\naccessKeySecret={s}", [s]))(rs(r, "a", 30)))
add("tencent/pair", lambda r: (lambda s: (json.dumps({"secretId": "AK" + "ID" + rs(r, "a", 32), "secretKey": s}), [s]))(rs(r, "a", 32)))
add("digitalocean-spaces", lambda r: (lambda s: (f"s3cmd --access_key=DO00{rs(r,'u',16)} --secret_key={s} ls", [s]))(rs(r, "b", 43)))
add("cloudflare-r2", lambda r: (lambda s: (f"R2_ACCESS_KEY_ID={rs(r,'h',32)}\nR2_SECRET_ACCESS_KEY={s}", [s]))(rs(r, "h", 64)))
add("cloudflare-tunnel", lambda r: (lambda s: (f"cloudflared tunnel run --token {s}", [s]))("eyJhIjoi" + b64(json.dumps({"a": rs(r, "h", 32), "t": str(uuid.UUID(int=r.getrandbits(128))), "s": b64(rb(r, 32))}))[8:]))
add("ovh-consumer", one("[ovh-eu]\napplication_key=7kbG7Bk7S9Nt7ZSV\napplication_secret={s}\n", lambda r: rs(r, "a", 32)))
add("openstack-rc", one("export OS_USERNAME={u}\nexport OS_AUTH_URL=https://{h}:5000/v3\nexport OS_PASSWORD={s}"))
add("kubeconfig-token", one("users:\n- name: ci\n  user:\n    token: {s}", lambda r: rs(r, "l", 6) + "." + rs(r, "l", 16)))
add("kubeadm-join", one("kubeadm join 10.0.0.4:6443 --token {s} --discovery-token-ca-cert-hash sha256:" + "ab12" * 16, lambda r: rs(r, "l", 6) + "." + rs(r, "l", 16)))
add("docker-swarm-join", one("docker swarm join --token {s} 192.168.65.3:2377", lambda r: "SWM" + "TKN-1-" + rs(r, "l", 50) + "-" + rs(r, "l", 25)))
add("k3s-node-token", one("curl -sfL https://get.k3s.io | K3S_URL=https://{h}:6443 K3S_TOKEN={s} sh -", lambda r: "K10" + rs(r, "h", 64) + "::server:" + rs(r, "h", 32)))
# webhooks
add("slack-webhook", lambda r: (lambda s: (f"curl -d '{{\"text\":\"done\"}}' https://hooks.sl" + f"ack.com/services/T{rs(r,'u',10)}/B{rs(r,'u',10)}/{s}", [s]))(rs(r, "a", 24)))
add("slack-cookie-xoxd", lambda r: (lambda c, d: (f"curl -b 'd={d}' -d 'token={c}' https://acme.slack.com/api/users.list", [c, d]))("xo" + "xc-" + rs(r, "d", 12) + "-" + rs(r, "d", 12) + "-" + rs(r, "h", 64), "xo" + "xd-" + rs(r, "a", 120) + "%3D"))
add("discord-webhook", lambda r: (lambda s: (f"posting to https://disc" + f"ord.com/api/webhooks/{rs(r,'d',19)}/{s}", [s]))(rs(r, "w", 68)))
add("teams-webhook", lambda r: (lambda s: (f"webhook: https://acme.webhook.off" + f"ice.com/webhookb2/{uuid.UUID(int=r.getrandbits(128))}@{uuid.UUID(int=r.getrandbits(128))}/IncomingWebhook/{s}/{uuid.UUID(int=r.getrandbits(128))}", [s]))(rs(r, "h", 32)))
add("google-chat-webhook", lambda r: (lambda k, t: (f"https://chat.googleapis.com/v1/spaces/AAAA{rs(r,'w',7)}/messages?key={k}&token={t}", [k, t]))("AI" + "zaSy" + rs(r, "w", 33), rs(r, "w", 43)))
add("telegram-url", lambda r: (lambda s: (f"GET https://api.telegram.org/bot{s}/getUpdates -> 200", [s]))(rs(r, "d", 10) + ":A" + "A" + rs(r, "w", 33)))
add("feishu-webhook", one("https://open.feishu.cn/open-apis/bot/v2/hook/{s}", lambda r: str(uuid.UUID(int=r.getrandbits(128), version=4))))
add("wecom-webhook", one("curl 'https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={s}'", lambda r: str(uuid.UUID(int=r.getrandbits(128), version=4))))
add("sentry-dsn-old", lambda r: (lambda s: (f"SENTRY_DSN=https://{rs(r,'h',32)}:{s}@sentry.acme.io/12", [s]))(rs(r, "h", 32)))
# connection strings
for sch, h in (("postgres", "/app?sslmode=require"), ("postgresql+asyncpg", ":5432/app"), ("mysql", ":3306/shop"), ("mysql+pymysql", "/shop?charset=utf8mb4"), ("mariadb", "/crm"), ("mongodb", ":27017/app?authSource=admin"), ("mongodb+srv", "/app?retryWrites=true&w=majority"), ("amqp", ":5672/prod"), ("amqps", "/vh"), ("mssql+pyodbc", "/erp?driver=ODBC+Driver+18"), ("clickhouse", ":9000/events"), ("ftp", "/in/r.csv"), ("sftp", ":22/out"), ("ldap", ":389/dc=acme"), ("smtp", ":587"), ("https", "/repo/app.git"), ("rtsp", ":554/stream1"), ("socks5", ":1080"), ("neo4j+s", ":7687"), ("nats", ":4222"), ("cockroachdb", ":26257/bank"), ("imaps", ":993"), ("oracle+cx_oracle", ":1521/?service_name=X")):
    ctx = r"DATABASE_URL={x}|connecting to {x} failed: timeout after 30s|url: '{x}'|{\"dsn\": \"{x}\"}".replace("\\", "").split("|")[len(sch) % 4]
    add("uri-" + re.sub(r"\W+", "-", sch), one(ctx.replace("{x}", sch + "://{u}:{s}@{h}" + h), pwa if len(sch) % 2 else (lambda r: human(r).replace("#", "-"))))
add("uri-redis-no-user", one("REDIS_URL=redis://:{s}@{h}:6379/0", pwa))
add("uri-rediss-default", one("cache = Redis.from_url('rediss://default:{s}@{h}:6380')", lambda r: "A" + rs(r, "a", 51)))
add("uri-percent-encoded", lambda r: (lambda s: (f"DATABASE_URL=postgres://app:{s}@db1.acme.internal/app", [s]))(urllib.parse.quote(rs(r, "a", 6) + "@" + rs(r, "a", 4) + "/#" + rs(r, "a", 5), safe="")))
add("uri-at-in-password", one("mysql://{u}:{s}@{h}/shop", lambda r: rs(r, "a", 7) + "@" + rs(r, "a", 6) + "!"))
add("uri-git-token-user", one("git clone https://{s}@git.acme.io/team/app.git", lambda r: rs(r, "h", 40)))
add("uri-git-oauth2", one("git remote set-url origin https://oauth2:{s}@git.acme.io/team/app.git", a20))
add("uri-pip-index", one("pip install --index-url https://{u}:{s}@pypi.acme.io/simple acme-core", pwa))
add("uri-proxy", one("export HTTPS_PROXY=http://{u}:{s}@proxy.acme.io:3128", pwa))
add("uri-jdbc-query", one("jdbc:postgresql://{h}:5432/app?user={u}&password={s}&ssl=true", pwa))
add("uri-jdbc-sqlserver", one("spring.datasource.url=jdbc:sqlserver://{h}:1433;databaseName=erp;user={u};password={s};encrypt=true"))
add("uri-jdbc-oracle-thin", one("jdbc:oracle:thin:{u}/{s}@//{h}:1521/ORCLPDB1", pwa))
add("ado-net", one("Server=tcp:{h},1433;Initial Catalog=erp;User ID={u};Password={s};Encrypt=True;"))
add("ado-pwd", one("\"Default\": \"Data Source={h};Uid={u};Pwd={s};Database=shop\""))
add("odbc", one("DRIVER={ODBC Driver 18 for SQL Server};SERVER={h};UID={u};PWD={s}"))
add("libpq-dsn", one("psycopg2.connect(\"host={h} dbname=app user={u} password={s} port=5432\")"))
add("oracle-sqlplus", one("sqlplus {u}/{s}@{h}:1521/ORCL @run.sql", pwa))
add("kafka-sasl", one("sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=\"{u}\" password=\"{s}\";", lambda r: rs(r, "b", 64)))
add("snowflake", one("snowflake://{u}:{s}@acme-eu1/DB/PUBLIC?warehouse=WH", pwa))
# private keys
for k, lab, st, n, hd in (("pem-rsa", RSA, "MIIEpAIBAAKCAQEA", 1590, ""), ("pem-pkcs8", PK8, "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", 1620, ""), ("pem-ec", EC, "MHcCAQEEI", 164, ""), ("pem-openssh", OSSH, "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW", 350, ""), ("pem-dsa", DSA, "MIIBuwIBAAKBgQD", 600, ""), ("pem-encrypted", ENC, "MIIFLTBXBgkqhkiG9w0BBQ0w", 1700, ""), ("pem-rsa-dek-info", RSA, "", 1590, "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,3F17F5316E2BAC89A0B1C2D3E4F50617\n\n")):
    add(k, lambda r, a=(lab, st, n, True, hd): (lambda p: ("$ cat key.pem\n" + p[0] + "\n$ ", p[1]))(pem(r, *a)))
add("pem-rsa/no-end-mark", lambda r: (lambda p: ("head -c 900 id_rsa gives\n" + p[0], p[1]))(pem(r, RSA, n=800, end=False)))
add("pem-pkcs8/json-escaped", lambda r: (lambda p: (json.dumps({"key": p[0]}), p[1]))(pem(r, PK8, "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC")))
add("pem-pkcs8/env-escaped", lambda r: (lambda p: ("PRIVATE_KEY=\"" + p[0].replace("\n", "\\n") + "\"", p[1]))(pem(r, PK8, "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC")))
add("pem-rsa/yaml-indented", lambda r: (lambda p: ("tls:\n  key: |\n" + "\n".join("    " + x for x in p[0].splitlines()) + "\n  port: 443", p[1]))(pem(r, RSA)))
add("pem-openssh/quoted-mail", lambda r: (lambda p: ("He wrote:\n" + "\n".join("> " + x for x in p[0].splitlines()), p[1]))(pem(r, OSSH, "b3BlbnNzaC1rZXktdjEAAAAA", 350)))
add("pem-ec/one-line", lambda r: (lambda p: ("key: " + p[0].replace("\n", " "), p[1]))(pem(r, EC, "MHcCAQEEI", 164)))
add("pem-rsa/numbered-lines", lambda r: (lambda p: ("cat -n key.pem\n" + "\n".join(f"{i:6}\t{x}" for i, x in enumerate(p[0].splitlines(), 1)), p[1]))(pem(r, RSA, n=600)))
add("pem-base64-of-pem", lambda r: (lambda s: (f"tls.key: {s}", [s]))(b64(pem(r, RSA, n=500)[0])))
add("pgp-private", lambda r: (lambda p: (p[0], p[1]))(pem(r, PGP, "lQdGBGc", 1300, head="\n")))
def _putty(r):
    a, b = wrap(b64(rb(r, 200))), b64(rb(r, 36))
    return f"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: anna@laptop\nPublic-Lines: 2\nAAAAC3NzaC1lZDI1NTE5AAAAI{rs(r,'b',39)}\n{rs(r,'b',27)}=\nPriv" + f"ate-Lines: {len(a.splitlines())}\n{a}\nPrivate-MAC: {rs(r,'h',64)}", lines(a)
add("putty-ppk", _putty)
add("age-secret", lambda r: (lambda s: (f"# created: 2025-11-03T08:14:22Z\n# public key: {bech32('age', rb(r, 32))}\n{s}", [s]))(bech32("age-secret-" + "key-", rb(r, 32)).upper()))
add("wireguard", lambda r: (lambda s, p: (f"[Interface]\nPrivateKey = {s}\nAddress = 10.8.0.2/24\n\n[Peer]\nPublicKey = {k32(r)}\nPresharedKey = {p}\nEndpoint = vpn.acme.io:51820", [s, p]))(k32(r), k32(r)))
add("openvpn-static", lambda r: (lambda w: ("-----BEGIN OpenVPN Static key V1-----\n" + w + "\n-----END OpenVPN Static key V1-----", lines(w)))(wrap(rs(r, "h", 512), 32)))
add("jwk-ec", lambda r: (lambda d: (json.dumps({"kty": "EC", "crv": "P-256", "x": b64u(rb(r, 32)), "y": b64u(rb(r, 32)), "d": d, "kid": "k1"}), [d]))(b64u(rb(r, 32))))
add("jwk-rsa", lambda r: (lambda d, p: (json.dumps({"kty": "RSA", "e": "AQAB", "n": b64u(rb(r, 256)), "d": d, "p": p}, indent=1), [d, p]))(b64u(rb(r, 256)), b64u(rb(r, 128))))
add("jwk-oct", lambda r: (lambda k: (json.dumps({"kty": "oct", "alg": "HS256", "k": k}), [k]))(b64u(rb(r, 32))))
add("ethereum-private-key", one("PRIVATE_KEY=0x{s} npx hardhat run deploy.js", lambda r: rs(r, "h", 64)))
AL58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def b58c(p):
    n = int.from_bytes(p + hashlib.sha256(hashlib.sha256(p).digest()).digest()[:4], "big")
    return num(n, AL58, 0)


add("bitcoin-wif", one("importprivkey {s} \"cold\" false", lambda r: b58c(b"\x80" + rb(r, 32) + b"\x01")))
add("bip32-xprv", one("master: {s}", lambda r: b58c(b"\x04\x88\xad\xe4" + bytes(9) + rb(r, 32) + b"\0" + rb(r, 32))))
add("nostr-nsec", lambda r: (lambda s: (f"my key is {s} for the relay", [s]))(bech32("nsec", rb(r, 32))))
def _stellar(r):
    d = b"\x90" + rb(r, 32)
    s = base64.b32encode(d + binascii.crc_hqx(d, 0).to_bytes(2, "little")).decode()
    return f"STELLAR_SECRET={s} node pay.js", [s]
add("stellar-secret", _stellar)
add("seed-phrase/prose", lambda r: (lambda w: (f"The recovery phrase of the wallet is {w}, do not lose it.", [w]))(" ".join(seed_phrase(r))))
add("seed-phrase/env", lambda r: (lambda w: (f"MNEMONIC=\"{w}\"", [w]))(" ".join(seed_phrase(r))))
add("seed-phrase/numbered", lambda r: (lambda ws: ("seed phrase:\n" + "\n".join(f"{i}. {w}" for i, w in enumerate(ws, 1)), ["\n".join(f"{i}. {w}" for i, w in enumerate(ws, 1))]))(seed_phrase(r)))
add("seed-phrase/24-bare", lambda r: (lambda w: (w, [w]))(" ".join(seed_phrase(r, 24))))
# headers, cookies, sessions
add("header-basic", lambda r: (lambda s: (f"> GET /api HTTP/1.1\n> Host: acme.io\n> Authorization: Basic {s}\n> Accept: */*", [s]))(b64("anna:" + pw(r))))
add("header-bearer-opaque", one("Authorization: Bearer {s}", lambda r: rs(r, "w", 43)))
add("header-bearer/curl", one("curl -H 'authorization: bearer {s}' https://{h}/v2/me", lambda r: rs(r, "a", 40)))
add("header-x-api-key", one("-H \"X-API-Key: {s}\"", lambda r: rs(r, "a", 32)))
add("header-x-auth-token", one("{\"headers\": {\"X-Auth-Token\": \"{s}\", \"Accept\": \"application/json\"}}", lambda r: rs(r, "h", 32)))
add("header-token-scheme", one("Authorization: Token {s}", h40))
add("header-private-token", one("curl --header 'PRIVATE-TOKEN: {s}' https://{h}/api/v4/projects", a20))
add("header-proxy-basic", lambda r: (lambda s: (f"Proxy-Authorization: Basic {s}", [s]))(b64("svc:" + pwa(r))))
add("header-aws-sigv4", one("Authorization: AWS4-HMAC-SHA256 Credential=" + "AK" + "IAQW3ERTY4UIOP5ASD/20251103/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature={s}", lambda r: rs(r, "h", 64)))
add("header-apikey-scheme", one("Authorization: ApiKey {s}", lambda r: b64(rs(r, "w", 20) + ":" + rs(r, "w", 22))))
add("header-python-dict", one("requests.get(url, headers={'Authorization': 'Bearer {s}'}, timeout=5)", lambda r: rs(r, "a", 36)))
add("python-auth-tuple", one("requests.get('https://{h}/api', auth=('{u}', '{s}'))"))
add("cookie-session", one("Cookie: theme=dark; sessionid={s}; lang=de", lambda r: rs(r, "l", 32)))
add("cookie-set", one("Set-Cookie: connect.sid={s}; Path=/; HttpOnly; Secure", lambda r: "s%3A" + rs(r, "w", 32) + "." + rs(r, "a", 43)))
add("cookie-php", one("curl -b 'PHPSESSID={s}' https://{h}/admin", lambda r: rs(r, "l", 26)))
add("cookie-netscape-file", one(".acme.io\tTRUE\t/\tTRUE\t1767225600\tauth_token\t{s}", h40))
add("cookie-laravel", one("document.cookie = 'remember_web_59ba36addc2b2f9401580f014c7f58ea4e30989d={s}'", lambda r: "eyJpdiI6" + rs(r, "a", 180) + "%3D"))
add("cookie-jsessionid-url", one("302 -> https://{h}/app/home.do;jsessionid={s}", lambda r: rs(r, "H", 32)))
add("query-api-key", one("GET /v1/geo?q=berlin&api_key={s}&lang=en HTTP/1.1", lambda r: rs(r, "h", 32)))
add("query-appid", one("https://api.openweathermap.org/data/2.5/weather?q=Bonn&appid={s}", lambda r: rs(r, "h", 32)))
add("oauth-code-exchange", one("grant_type=client_credentials&client_id=portal&client_secret={s}&scope=read", lambda r: rs(r, "a", 40)))
add("oauth-refresh/json", one("{\"token_type\":\"Bearer\",\"expires_in\":3600,\"refresh_token\":\"{s}\"}", lambda r: rs(r, "w", 64)))
add("oauth-access/json", one("{\"access_token\":\"{s}\",\"expires_in\":3600,\"scope\":\"read\"}", lambda r: rs(r, "w", 48)))
add("password-reset-link", one("Reset it here: https://acme.io/reset-password?token={s}", lambda r: rs(r, "w", 43)))
add("form-body", one("POST /login  username={u}&password={s}&remember=1", pwa))
add("totp-uri", one("otpauth://totp/Acme:anna@acme.io?secret={s}&issuer=Acme", lambda r: rs(r, "K", 32)))
# command arguments
for k, t in (("docker-login", "docker login -u {u} -p {s} registry.acme.io"), ("podman-login", "podman login --username={u} --password={s} quay.acme.io"), ("redis-cli", "redis-cli -h {h} -a {s} INFO"), ("ldapsearch", "ldapsearch -x -D cn=admin,dc=acme,dc=io -w {s} -b dc=acme,dc=io"), ("mysql-p", "mysql -h {h} -u {u} -p{s} shop < dump.sql"), ("mysqldump", "mysqldump -u{u} --password={s} shop"), ("curl-u", "curl -u {u}:{s} https://{h}/api"), ("curl-user", "curl --user '{u}:{s}' -X POST https://{h}/job/build"), ("sshpass", "sshpass -p '{s}' ssh {u}@{h} uptime"), ("psql-env", "PGPASSWORD={s} psql -h {h} -U {u} app"), ("sqlcmd", "sqlcmd -S {h} -U {u} -P {s} -Q 'select 1'"), ("mongosh", "mongosh --host {h} -u {u} -p {s} --authenticationDatabase admin"), ("wget", "wget --user={u} --password={s} https://{h}/f.zip"), ("openssl-pass", "openssl pkcs12 -in c.p12 -passin pass:{s} -nodes"), ("keytool", "keytool -list -keystore ks.jks -storepass {s}"), ("7z", "7z x backup.7z -p{s} -oout"), ("unzip", "unzip -P {s} backup.zip"), ("net-use", "net use Z: \\\\fs1\\share {s} /user:ACME\\anna"), ("smbclient", "smbclient //fs1/share -U {u}%{s}"), ("mount-cifs", "mount -t cifs //fs1/share /mnt -o username={u},password={s}"), ("htpasswd", "htpasswd -bc .htpasswd {u} {s}"), ("chpasswd", "echo '{u}:{s}' | chpasswd"), ("useradd-stdin", "echo '{s}' | sudo -S systemctl restart nginx"), ("mosquitto", "mosquitto_pub -h {h} -u {u} -P {s} -t a/b -m 1"), ("rabbitmqctl", "rabbitmqctl add_user {u} {s}"), ("helm-repo", "helm repo add acme https://{h}/charts --username {u} --password {s}"), ("az-sql", "az sql server create -n acme -u {u} -p {s}"), ("kubectl-literal", "kubectl create secret generic db --from-literal=password={s}"), ("ansible-extra", "ansible-playbook site.yml -e ansible_become_pass={s}"), ("gpg-passphrase", "gpg --batch --passphrase {s} -d f.gpg"), ("zip-encrypt", "zip -P {s} -r out.zip data"), ("nmcli", "nmcli dev wifi connect AcmeGuest password {s}"), ("vault-userpass", "vault login -method=userpass username={u} password={s}"), ("ftp-lftp", "lftp -u {u},{s} sftp://{h}"), ("qpdf", "qpdf --password={s} --decrypt in.pdf out.pdf"), ("cypher-shell", "cypher-shell -a neo4j://{h} -u neo4j -p {s} 'RETURN 1'"), ("influx", "influx -username {u} -password {s} -execute 'show databases'"), ("win-rdp", "xfreerdp /v:{h} /u:{u} /p:{s}"), ("net-user-add", "net user anna {s} /add"), ("npm-config-auth", "npm config set //npm.acme.io/:_authToken={s}"), ("twine-upload", "twine upload -u {u} -p {s} dist/*")):
    add("arg-" + k, one(t if len(k) % 3 else "I ran `" + t + "` and it worked.", human if len(k) % 2 else pwa))
# files
add("netrc", one("machine git.acme.io\n  login {u}\n  password {s}", pwa))
add("netrc/one-line", one("machine api.heroku.com login anna@acme.io password {s}", lambda r: str(uuid.UUID(int=r.getrandbits(128), version=4))))
add("pgpass", one("{h}:5432:app:{u}:{s}", pwa))
add("pgpass/cat", one("$ cat ~/.pgpass\nlocalhost:5432:*:{u}:{s}\n", human))
add("npmrc", one("registry=https://npm.acme.io/\n//npm.acme.io/:_authToken={s}\nalways-auth=true", lambda r: str(uuid.UUID(int=r.getrandbits(128), version=4))))
add("npmrc/_auth", lambda r: (lambda s: (f"//npm.acme.io/:_auth={s}\nemail=ci@acme.io", [s]))(b64("ci:" + pw(r))))
add("pypirc", one("[acme]\nrepository = https://pypi.acme.io/\nusername = {u}\npassword = {s}"))
add("docker-config-auth", lambda r: (lambda s: (json.dumps({"auths": {"registry.acme.io": {"auth": s}}}, indent=2), [s]))(b64("ci:" + pw(r))))
def _k8s(r):
    p = pw(r); s = b64(p)
    return f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ntype: Opaque\ndata:\n  username: {b64('app_rw')}\n  password: {s}", [s]
add("k8s-secret/data", _k8s)
add("k8s-secret/stringData", one("apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  DB_PASS: {s}"))
def _dcj(r):
    s = b64(json.dumps({"auths": {"registry.acme.io": {"username": "ci", "password": pw(r), "auth": b64("ci:" + pw(r))}}}))
    return f"kind: Secret\ntype: kubernetes.io/dockerconfigjson\ndata:\n  .dockerconfigjson: {s}", [s]
add("k8s-dockerconfigjson", _dcj)
add("kubeconfig-client-key", lambda r: (lambda s: (f"users:\n- name: kind\n  user:\n    client-key-data: {s}", [s]))(b64(pem(r, EC, "MHcCAQEEI", 164)[0])))
HB = "./" + AL["a"]
crypt_ = lambda n: lambda r: rs(r, HB, n)
add("shadow-sha512", lambda r: (lambda s: (f"anna:$6${rs(r, HB, 16)}${s}:19876:0:99999:7:::", [s]))(rs(r, HB, 86)))
add("shadow-yescrypt", lambda r: (lambda s: (f"root:$y$j9T${rs(r, HB, 22)}${s}:20011:0:99999:7:::", [s]))(rs(r, HB, 43)))
add("shadow-md5crypt", lambda r: (lambda s: (f"enable secret 5 $1${rs(r, HB, 4)}${s}", [s]))(rs(r, HB, 22)))
add("bcrypt", lambda r: (lambda s: (f"INSERT INTO users(email, hash) VALUES ('anna@acme.io', '$2b$12${s}');", [s]))(rs(r, HB, 53)))
add("argon2id", lambda r: (lambda s: (f"password_hash: $argon2id$v=19$m=65536,t=3,p=4${rs(r,'b',22)}${s}", [s]))(rs(r, "b", 43)))
add("pbkdf2-django", lambda r: (lambda s: (f"pbkdf2_sha256$600000${rs(r,'a',22)}${s}", [s]))(k32(r)))
add("htpasswd-apr1", lambda r: (lambda s: (f"anna:$apr1${rs(r, HB, 8)}${s}", [s]))(rs(r, HB, 22)))
add("ntlm-dump", lambda r: (lambda s: (f"Administrator:500:aad3b435b51404eeaad3b435b51404ee:{s}:::", [s]))(rs(r, "h", 32)))
add("ssha-ldif", lambda r: (lambda s: (f"dn: uid=anna,dc=acme,dc=io\nuserPassword: {{SSHA}}{s}", [s]))(b64(rb(r, 28))))
add("cisco-type7", one("username admin privilege 15 password 7 {s}", lambda r: "0" + rs(r, "d", 1) + rs(r, "H", 24)))
add("powershell-securestring", one("$p = ConvertTo-SecureString '{s}' -AsPlainText -Force"))
add("powershell-securestring-blob", one("$p = '{s}' | ConvertTo-SecureString", lambda r: "01000000d08c9ddf0115d1118c7a00c04fc297eb01000000" + rs(r, "h", 240)))
add("powershell-credential", one("New-Object PSCredential('ACME\\anna', (ConvertTo-SecureString -String \"{s}\" -AsPlainText -Force))"))
add("wifi-psk", one("network={\n  ssid=\"acme\"\n  psk=\"{s}\"\n}", human))
add("maven-settings", one("<server><id>nexus</id><username>{u}</username><password>{s}</password></server>", pwa))
add("xml-attribute", one("<add key=\"SmtpPassword\" value=\"{s}\" />", pwa))
add("java-properties", one("spring.datasource.username={u}\nspring.datasource.password={s}"))
add("gradle-properties", one("signing.keyId=24875D73\nsigning.password={s}"))
add("terraform-tfvars", one("db_username = \"{u}\"\ndb_password = \"{s}\""))
add("php-define", one("define('DB_PASSWORD', '{s}');"))
add("ruby-hash", one("config.secrets = { :smtp_password => '{s}' }"))
add("go-struct", one("cfg := Config{User: \"{u}\", Password: \"{s}\"}"))
add("sql-create-user", one("CREATE USER {u} WITH PASSWORD '{s}';"))
add("sql-identified-by", one("ALTER USER '{u}'@'%' IDENTIFIED BY '{s}';"))
add("vagrant-yaml", one("ansible_user: {u}\nansible_ssh_pass: {s}"))
add("compose-env", one("environment:\n  - POSTGRES_USER={u}\n  - POSTGRES_PASSWORD={s}"))
add("rails-master-key", one("RAILS_MASTER_KEY={s} bin/rails s", lambda r: rs(r, "h", 32)))
add("fernet-key", one("FERNET_KEY={s}", lambda r: base64.urlsafe_b64encode(rb(r, 32)).decode()))
add("laravel-app-key", one("APP_KEY=base64:{s}", k32))
add("encryption-key-hex", one("encryption_key: {s}", lambda r: rs(r, "h", 64)))
add("snmp-community", one("snmpget -v3 -u {u} -l authPriv -a SHA -A {s} -x AES -X {s} {h} 1.3.6.1", pwa))
# other languages
for lang, t in (("german", "Passwort: {s}"), ("german-kennwort", "Benutzer: {u}\nKennwort: {s}"), ("german-sentence", "Das Passwort für den Server lautet {s} und gilt bis Freitag."), ("german-zugangsschluessel", "zugangsschlüssel = \"{s}\""), ("french", "mot de passe : {s}"), ("french-key", "mot_de_passe={s}"), ("french-sentence", "Le mot de passe du compte admin est {s}."), ("french-cle", "clé secrète : {s}"), ("spanish", "contraseña: {s}"), ("spanish-sentence", "La contraseña del usuario {u} es {s}."), ("spanish-clave", "\"clave_secreta\": \"{s}\""), ("portuguese", "senha: {s}"), ("portuguese-pt", "palavra-passe = {s}"), ("italian", "La password è {s}"), ("italian-parola", "parola d'ordine: {s}"), ("polish", "hasło: {s}"), ("polish-ascii", "haslo={s}"), ("russian", "Пароль: {s}"), ("russian-sentence", "пароль от сервера — {s}"), ("ukrainian", "пароль до бази: {s}"), ("chinese", "密码：{s}"), ("chinese-trad", "密碼: {s}"), ("chinese-sentence", "数据库的密码是{s}，请不要外传。"), ("chinese-key", "密钥={s}"), ("japanese", "パスワード：{s}"), ("japanese-sentence", "管理者のパスワードは {s} です。"), ("korean", "비밀번호: {s}"), ("korean-sentence", "관리자 비밀번호는 {s} 입니다"), ("dutch", "wachtwoord: {s}"), ("swedish", "lösenord: {s}"), ("danish", "adgangskode: {s}"), ("norwegian", "passord={s}"), ("finnish", "salasana: {s}"), ("czech", "heslo: {s}"), ("hungarian", "jelszó: {s}"), ("romanian", "parola: {s}"), ("turkish", "şifre: {s}"), ("turkish-parola", "parola = {s}"), ("greek", "κωδικός πρόσβασης: {s}"), ("arabic", "كلمة المرور: {s}"), ("hebrew", "סיסמה: {s}"), ("hindi", "पासवर्ड: {s}"), ("vietnamese", "mật khẩu: {s}"), ("thai", "รหัสผ่าน: {s}"), ("indonesian", "kata sandi: {s}")):
    add("lang-" + lang, one(t, pw if len(lang) % 2 else pwa))
# sentences
for k, t in (("the-password-is", "The password is {s}, I noted it for next time."), ("log-in-as", "log in as admin / {s}"), ("login-with", "You can log in with {u} and {s} on the staging host."), ("user-pass-slash", "staging credentials: {u}/{s}"), ("password-of", "The password of the backup account is still {s}."), ("use-password", "use the password {s} when it asks"), ("changed-to", "I changed the root password to {s} and restarted sshd."), ("pw-abbrev", "user {u}, pw {s}"), ("pass-colon", "user: {u} pass: {s}"), ("passphrase", "The key's passphrase is \"{s}\"."), ("creds-paren", "The VPN (login {u}, password {s}) must be up first."), ("pin", "The unlock password was set to {s} by the installer"), ("prompt", "Password for '{u}': {s}\nLogin succeeded"), ("set-pw-question", "What is the admin password? It is {s}"), ("its-password", "Account {u} and its password {s} work for both stages."), ("quoted-password", "Password 'for the portal' → `{s}`"), ("agent-type", "Step 7: type \"{s}\" into the field Password, then press Enter"), ("agent-fill", "page.fill('#password', '{s}')"), ("agent-selenium", "driver.find_element(By.NAME, 'password').send_keys('{s}')"), ("expect-script", "expect \"assword:\"\nsend \"{s}\\r\""), ("api-key-is", "my api key is {s}"), ("secret-equals-spaces", "client secret   =   {s}"), ("admin-pass-camel", "{\"adminPass\": \"{s}\", \"retries\": 2}"), ("password-camel", "{\"dbUserPassword\":\"{s}\"}"), ("passwd-key", "passwd: {s}"), ("password-env-weird", "MYAPP__SMTP__PASS={s}"), ("credentials-json", "{\"credentials\": {\"login\": \"{u}\", \"password\": \"{s}\"}}"), ("escaped-json", "{\\\"user\\\": \\\"{u}\\\", \\\"password\\\": \\\"{s}\\\"}"), ("twice-escaped", "\"{\\\\\\\"password\\\\\\\": \\\\\\\"{s}\\\\\\\"}\""), ("single-quoted-dict", "{'user': '{u}', 'password': '{s}'}"), ("kwargs-repr", "connect(host='{h}', user='{u}', passwd='{s}', port=3306)"), ("yaml-block", "password: >-\n  {s}"), ("html-input", "<input type=\"password\" name=\"pwd\" value=\"{s}\">"), ("url-encoded-json", "%7B%22password%22%3A%22{s}%22%7D")):
    add("say-" + k, one(t, pwa if "url" in k or len(k) % 2 else pw))
add("say-password-only-letters", one("the wifi password is {s}", lambda r: r.choice(["correct", "purple", "silent"]) + r.choice(["Horse", "Lantern", "Canyon"]) + r.choice(["Battery", "Walrus", "Sunset"])))
add("say-passphrase-words", one("passphrase: \"{s}\"", lambda r: "-".join(r.sample(["otter", "lantern", "mosaic", "pebble", "quartz", "thicket", "walnut", "zephyr"], 4))))
add("say-password-with-quote", lambda r: (lambda s: (json.dumps({"password": s}), [json.dumps(s)[1:-1]]))(rs(r, "a", 6) + '"' + rs(r, "a", 7)))
add("say-password-with-spaces", one("password = \"{s}\"", lambda r: " ".join(r.sample(["Otter", "lantern", "Mosaic", "pebble", "quartz"], 3)) + " " + rs(r, "d", 3)))
# hidden forms of a token
GP = lambda r: gh(r, "gh" + "p_")
add("token-base64", lambda r: (lambda s: (f"echo {s} | base64 -d | gh auth login --with-token", [s]))(b64(GP(r))))
add("token-base64/json", lambda r: (lambda s: (json.dumps({"blob": s}), [s]))(b64("token=" + GP(r))))
add("token-url-encoded", lambda r: (lambda s: (f"https://acme.io/cb?next=%2Fhome%3Faccess_token%3D{s}%26x%3D1", [s]))(rs(r, "a", 40)))
add("token-percent-prefix", lambda r: (lambda s: (f"GET /cb?key={s}", [s]))(urllib.parse.quote("sk-a" + "nt-api03-" + rs(r, "w", 93) + "AA").replace("-", "%2D")))
def _split(fmt):
    def g(r):
        t = GP(r); a, b = t[:22], t[22:]
        return fmt.format(a=a, b=b), [a, b]
    return g
add("token-split/plus", _split("token = \"{a}\" + \"{b}\""))
add("token-split/js-plus", _split("const t = '{a}' +\n  '{b}';"))
add("token-split/adjacent", _split("TOKEN = ('{a}'\n         '{b}')"))
add("token-split/shell-quotes", _split("export T=\"{a}\"'{b}'"))
add("token-split/wrapped", _split("the token is {a}\n{b} as the mail program broke it"))
add("token-split/wrapped-indented", _split("token: {a}\n       {b}"))
add("token-split/backslash", _split("curl -H \"Authorization: Bearer {a}\\\n{b}\" https://api.acme.io"))
add("token-split/join", _split("''.join(['{a}', '{b}'])"))
add("jwt-wrapped", lambda r: (lambda t: (f"Bearer {t[:60]}\n{t[60:]}", [t[:60], t[60:]]))(jwt(r)))
add("token-in-triple-json", lambda r: (lambda t: (json.dumps({"a": json.dumps({"b": json.dumps({"token": t})})}), [t]))(GP(r)))
add("token-in-text-json-text", lambda r: (lambda t: ("Result: " + json.dumps({"log": "call " + json.dumps({"auth": "Bearer " + t}) + " ok"}) + " done", [t]))("sk-pr" + "oj-" + rs(r, "w", 74) + "T3Blb" + "kFJ" + rs(r, "w", 74)))
add("token-unicode-escape", lambda r: (lambda t: ('{"token": "' + t.replace("_", "\\u005f") + '"}', [t[4:]]))(GP(r)))
add("token-ansi", lambda r: (lambda t: (f"\x1b[32mtoken\x1b[0m \x1b[1m{t}\x1b[0m", [t]))(GP(r)))
add("two-tokens-one-line", lambda r: (lambda a, b: (f"rotated {a} -> {b}", [a, b]))(GP(r), GP(r)))
add("bom-and-nbsp", lambda r: (lambda s: (f"\ufeffpassword:\u00a0{s}", [s]))(pwa(r)))
add("fullwidth-colon", lambda r: (lambda s: (f"password：{s}", [s]))(pwa(r)))
add("crlf-env", lambda r: (lambda s: (f"USER=app\r\nDB_PASSWORD={s}\r\nPORT=1\r\n", [s]))(pw(r)))


def secrets(seed):
    r = random.Random(f"secrets:{seed}")
    return _tokens(r) + [(k, *f(r)) for k, f in S]


# ---------------------------------------------------------------- look-alikes: each must stay exactly as it is
# slug, then templates one a line (\\n is a line break inside; <h:40> etc. as above; ~~ is a tilde)
LOOKS = r"""
# git-commit
commit <h:40>
Fixed in <h:7>, reverted by <h:40>.
git checkout <h:40> -- src/auth/token.py
HEAD is now at <h:9> Rotate the token every hour
Merge: <h:7> <h:7>\nAuthor: Anna <anna@acme.io>
# git-diff-index
index <h:7>..<h:7> 100644
diff --git a/password.py b/password.py\nindex <h:11>..<h:11> 100755
# git-tree
100644 blob <h:40>\ttests/test_password.py
160000 commit <h:40>\tvendor/secrets
# sha256-sum
<h:64>  dist/acme-1.2.0.tar.gz
sha256sum: <h:64> OK
SHA256 (acme.iso) = <h:64>
expected sha256 <h:64>, got <h:64>
# md5-sum
<h:32>  README.md
ETag: "<h:32>"
md5=<h:32> size=4096
# sha1-and-sha512
SHA1: <h:40>
sha512: <h:128>
Content-MD5: <b:22>==
# image-digest
ghcr.io/acme/worker@sha256:<h:64>
FROM python:3.11-slim@sha256:<h:64>
Digest: sha256:<h:64>\nStatus: Downloaded newer image
imageID: docker-pullable://redis@sha256:<h:64>
# container-id
CONTAINER ID   IMAGE     STATUS\n<h:12>   redis:7   Up 3 minutes
/var/lib/docker/overlay2/<h:64>/merged
docker logs <h:64>
# uuid
request_id=<U> status=200
id: <U>
The run <U> was cancelled after 12 minutes.
{"trace": "<U>", "span": "<h:16>"}
urn:uuid:<U>
# trace-context
traceparent: 00-<h:32>-<h:16>-01
X-B3-TraceId: <h:32>
X-Request-Id: <U>
x-amz-request-id: <u:16>
# ulid-ksuid-nanoid
event 01<u:24> stored
ksuid 1<a:26> from the queue
run_<a:24> is in state queued
# object-id
{"_id": {"$oid": "<h:24>"}, "name": "pump"}
ObjectId("<h:24>")
_id: <h:24>
# lock-npm
      "integrity": "sha512-<b:86>==",
      "resolved": "https://registry.npmjs.org/jsonwebtoken/-/jsonwebtoken-9.0.2.tgz",\n      "integrity": "sha512-<b:86>=="
  integrity sha512-<b:86>==
password-hash@^1.2.2:\n  version "1.2.2"\n  integrity sha1-<b:27>=
# lock-python
    --hash=sha256:<h:64> \
tokenizers==0.20.3 --hash=sha256:<h:64>
{ url = "https://files.pythonhosted.org/packages/<h:2>/<h:2>/<h:60>/pwdlib-0.2.1.tar.gz", hash = "sha256:<h:64>", size = 21842 }
# lock-cargo
checksum = "<h:64>"
name = "secrecy"\nversion = "0.8.0"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\nchecksum = "<h:64>"
# lock-go
golang.org/x/oauth2 v0.23.0 h1:<b:43>=
github.com/golang-jwt/jwt/v5 v5.2.1/go.mod h1:<b:43>=
# lock-nix-gem-composer
hash = "sha256-<b:43>=";
"content-hash": "<h:32>",
"reference": "<h:40>",
sha256 = "<l:52>";
# sri-html
<script src="/a.js" integrity="sha384-<b:64>" crossorigin="anonymous"></script>
<link rel="stylesheet" href="/m.css" integrity="sha256-<b:43>=">
Content-Security-Policy: script-src 'sha256-<b:43>='
# placeholder-angle
Authorization: Bearer <your-token>
export OPENAI_API_KEY=<YOUR_API_KEY>
password: <password>
curl -u <user>:<password> https://acme.io
# placeholder-words
API_KEY=your-api-key-here
password=changeme
token: YOUR_TOKEN_HERE
client_secret = "REPLACE_ME"
"apiKey": "INSERT_KEY"
secret_key: TODO
# placeholder-x
OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxx
GITHUB_TOKEN=gh~p_XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX
slack: xo~xb-xxxxxxxxxxxx-xxxxxxxxxxxx
api_key: xxxxxxxxxxxxxxxx
hf_xxx goes into HF_TOKEN
# placeholder-dots
ANTHROPIC_API_KEY=sk-ant-...
export GH_TOKEN=ghp_...
Authorization: Bearer eyJ...
password = "..."
# placeholder-empty
password=
API_KEY=""
token: null
"password": "",
secret: ~~
DB_PASSWORD=\nDB_HOST=localhost
# placeholder-none
password=None
token = null;
secret: false
api_key=undefined
"token": true
# placeholder-uri
postgres://user:password@localhost:5432/mydb
mysql://USER:PASSWORD@HOST/DB
mongodb+srv://<username>:<password>@cluster0.example.mongodb.net
https://user:pass@example.com/
redis://:password@localhost:6379
# uri-no-password
postgres://localhost/app
redis://cache:6379/0
ssh://git@git.acme.io:2222/team/app.git
amqp://guest@mq/
mongodb://db1:27017,db2:27017/app?replicaSet=rs0
https://anna@git.acme.io/app.git
# uri-env-password
DATABASE_URL=postgres://app:${DB_PASS}@db/app
mysql://$USER:$PASS@db/shop
f"postgres://{user}:{password}@{host}/app"
amqp://{{ mq_user }}:{{ mq_pass }}@mq
jdbc:postgresql://db/app?user=app&password=${PGPASSWORD}
# uri-masked
postgres://app:****@db/app
redis://:***@cache:6379/0
connecting to mysql://shop:[REDACTED]@db/shop
# masked-stars
password: ********
token=****
api_key=sk-****1f2c
Authorization: Bearer ***
ghp_************************************
# masked-words
password=<redacted>
token: [REDACTED]
secret: [FILTERED]
"authorization": "[hidden]"
Set-Cookie: sid=<removed>
DB_PASSWORD=(sensitive value)
# masked-bullets
Passwort: ••••••••
password ●●●●●●●●
-----BEGIN PRIV~ATE KEY-----\n<redacted>\n-----END PRIV~ATE KEY-----
# env-shell
curl -H "Authorization: Bearer $TOKEN" https://api.acme.io
docker login -u ci -p "$REGISTRY_PASSWORD" registry.acme.io
export GH_TOKEN=${GITHUB_TOKEN}
mysql -u root -p"$MYSQL_ROOT_PASSWORD" shop
PASSWORD=$(pass show db/prod)
token=`cat /run/secrets/token`
sshpass -p "$PASS" ssh root@db uptime
# env-ci
password: ${{ secrets.DOCKERHUB_TOKEN }}
token: ${{ github.token }}
API_KEY: $(API_KEY)
password: $CI_JOB_TOKEN
env.SECRET = credentials('deploy-token')
- secure: ${SONAR_TOKEN}
# env-template
password: {{ vault_db_password }}
token: {{ .Values.auth.token }}
secret: !vault |
api_key = var.api_key
password = data.vault_generic_secret.db.data["password"]
DB_PASS: !Ref DbPassword
password: "%env(DB_PASSWORD)%"
# env-windows
set TOKEN=%GH_TOKEN%
$env:API_KEY
net use Z: \\fs1\share %PASS% /user:anna
docker login -p %REGISTRY_PASS%
# code-env-read
token = os.environ["GITHUB_TOKEN"]
const apiKey = process.env.OPENAI_API_KEY;
password := os.Getenv("DB_PASSWORD")
secret = ENV.fetch("SECRET_KEY_BASE")
String pwd = System.getenv("DB_PWD");
let token = std::env::var("API_TOKEN")?;
api_key=os.getenv('STRIPE_SECRET_KEY')
# code-assign-variable
password = get_password(user)
self.token = token
this.apiKey = options.apiKey
secret = config["secret"]
passwd = getpass.getpass()
auth_token = response.json()["access_token"]
const password = req.body.password;
client_secret=settings.OAUTH_CLIENT_SECRET
token = tokens[i + 1]
# code-kwargs
connect(user=user, password=password)
login(username, password=self._password)
Client(api_key=api_key, timeout=30)
Bearer {token}
headers={"Authorization": f"Bearer {token}"}
headers: { Authorization: `Bearer ${accessToken}` }
# code-compare
if password == confirm_password:
if (token !== expectedToken) return 403;
assert secret is not None
while token := lexer.next():
return hmac.compare_digest(token, stored_token)
# code-type-hints
def login(user: str, password: str) -> Token:
password: Optional[str] = None
token: string | undefined;
api_key: SecretStr = Field(...)
private readonly secret: Buffer,
pub struct Credentials { password: String, token: Option<String> }
# code-generate
token = secrets.token_urlsafe(32)
password = ''.join(random.choices(string.ascii_letters, k=16))
const secret = crypto.randomBytes(32).toString('hex')
openssl rand -base64 32
SECRET_KEY=$(openssl rand -hex 32)
# test-passwords
client.login(username='anna', password='wrong')
assert not check_password('wrong password', user.hash)
login(password="invalid")
response = post('/login', {'password': 'bad'})
expect(validate({ password: 'short' })).toBe(false)
User(password='test')
# schema
{"password": {"type": "string", "minLength": 8}}
password VARCHAR(255) NOT NULL,
token: { type: String, required: true }
"secret": {"$ref": "#/components/schemas/Secret"}
password:\n  type: string\n  format: password
field :token, String, null: false
# sql
SELECT id, password_hash FROM users WHERE token = ?
UPDATE users SET password = $1 WHERE id = $2
ALTER TABLE sessions ADD COLUMN token text;
CREATE INDEX ix_token ON tokens (token);
GRANT SELECT ON secrets TO reader;
INSERT INTO users (name, password) VALUES (?, ?)
# prose-password
The password must be at least 12 characters long and contain a digit.
Passwords are hashed with bcrypt before they are stored.
I forgot the password, so the login failed three times.
The password is stored in the vault, not in the file.
The password is wrong, try the reset link.
Ask the admin for the password: it changes every Monday.
# prose-token
The token is expired and has to be refreshed every hour.
The tokenizer splits the text into tokens: words, signs and numbers.
Tokens: access tokens last an hour, refresh tokens a month.
CSRF token missing or incorrect.
Use a personal access token instead of a password.
The bearer token was missing from the request.
# prose-secret
The secret is to keep the functions small.
The secret: start with the failing test.
API keys should be rotated, and secrets never be logged.
The key is missing from the dictionary.
A key insight: caching the token halves the time.
# prose-login
Log in as admin, then open the settings.
Log in with your account and password.
login failed for user admin: wrong password
Logged in as deploy/readonly on staging.
user/password authentication is disabled
# token-counts
tokens: 4096
{"usage": {"prompt_tokens": 1834, "completion_tokens": 211, "total_tokens": 2045}}
max_tokens=8192
token_count: 15360 of 200000
input tokens 12,004, output tokens 873
tokens_per_second=41.7
# token-versions
token: v1.2.3
secret-manager: 2.18.0
jsonwebtoken@9.0.2
password: 2.1.0-beta.4
auth-token-version: 3
pydantic-core 2.27.1, tokenizers 0.20.3, keyring 25.5.0
# token-words
token: IDENTIFIER
unexpected token: ';' at line 14
Unexpected token < in JSON at position 0
token=EOF line=12
SyntaxError: invalid token at column 7
password: required
secret: optional
# config-durations
token_ttl: 3600
password_expiry_days=90
session_timeout: 30m
secret_rotation = "30d"
access_token_lifetime: 00:15:00
# config-names
secretName: db-credentials
passwordSecretRef:\n  name: db\n  key: password
tokenSecretName: ci-token
valueFrom:\n  secretKeyRef:\n    name: db\n    key: DB_PASSWORD
api_key_env: OPENAI_API_KEY
password_file: /run/secrets/db_password
token_endpoint: https://login.acme.io/oauth2/token
# config-paths
ssl_key=/etc/ssl/private/acme.key
private_key_path: ~~/.ssh/id_ed25519
token_file=/var/run/secrets/kubernetes.io/serviceaccount/token
POSTGRES_PASSWORD_FILE=/run/secrets/pg_pass
GOOGLE_APPLICATION_CREDENTIALS=/etc/gcp/key.json
--password-file /root/.pw
--passphrase-fd 0
# config-bool
password_required: true
useToken=false
PasswordAuthentication no
PermitEmptyPasswords no
api_key_enabled = 1
show_password: off
# paths
/usr/lib/python3.11/site-packages/jose/secrets/token.py
src/components/PasswordInput/PasswordInput.test.tsx
~~/.cache/huggingface/hub/models--bert-base-uncased/snapshots/<h:40>/config.json
/nix/store/<l:32>-openssl-3.0.15/bin/openssl
.git/objects/<h:2>/<h:38>
node_modules/.cache/babel-loader/<h:64>.json
C:\Users\anna\AppData\Local\Temp\acme<l:8>\secrets.txt
# urls-with-ids
https://docs.google.com/document/d/1<w:43>/edit
https://github.com/acme/site/commit/<h:40>
https://www.youtube.com/watch?v=<w:11>
https://acme.slack.com/archives/C0<u:9>/p<d:16>
https://www.figma.com/file/<a:22>/Login-Screen
https://acme.atlassian.net/browse/SEC-<d:4>
https://huggingface.co/acme/model/blob/<h:40>/tokenizer.json
# urls-query
https://acme.io/search?q=password+reset&page=2
https://acme.io/docs/tokens?version=3#refresh-token
https://acme.io/?utm_source=mail&utm_campaign=autumn<d:4>
GET /v1/items?page_token=&limit=50
GET /oauth/authorize?response_type=code&client_id=portal&scope=read
https://acme.io/static/app.<h:20>.js?v=<d:10>
# public-ids
arn:aws:iam::<d:12>:role/deploy-token-reader
arn:aws:secretsmanager:eu-west-1:<d:12>:secret:prod/db-<a:6>
projects/acme/secrets/db-password/versions/3
i-0<h:16> vpc-0<h:16> subnet-0<h:16>
/subscriptions/<U>/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv
sg-0<h:16> allows 443
# public-keys-ssh
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI<b:43> anna@laptop
ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ<b:340>= ci@acme
ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABB<b:86>= root@db
git.acme.io ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI<b:43>
# public-keys-pem
-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A<b:32>\n<b:64>\n<b:64>\n<b:30>IDAQAB\n-----END PUBLIC KEY-----
-----BEGIN RSA PUBLIC KEY-----\nMIIBCgKCAQEA<b:52>\n<b:64>\n<b:30>IDAQAB\n-----END RSA PUBLIC KEY-----
-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQINBGc<b:57>\n<b:64>\n=<b:4>\n-----END PGP PUBLIC KEY BLOCK-----
# public-keys-other
PublicKey = <b:43>=
age1<l:58>
wg: peer <b:42>k= latest handshake 12 seconds ago
"publicKey": "<b:43>="
RWQ<b:53> is the minisign public key
# public-jwk
{"kty":"RSA","e":"AQAB","kid":"<h:16>","n":"<w:342>"}
{"kty":"EC","crv":"P-256","x":"<w:43>","y":"<w:43>"}
{"kty":"OKP","crv":"Ed25519","x":"<w:43>"}
# certificates
-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIE<b:44>\n<b:64>\n<b:64>\n<b:20>==\n-----END CERTIFICATE-----
-----BEGIN CERTIFICATE REQUEST-----\nMIICijCCAXICAQAw<b:48>\n<b:64>\n-----END CERTIFICATE REQUEST-----
certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tC<b:83>
-----BEGIN X509 CRL-----\nMIIBvTCBpgIBATAN<b:48>\n-----END X509 CRL-----
# fingerprints
SHA256:<b:43> anna@laptop (ED25519)
256 SHA256:<b:43> root@db (ECDSA)
MD5:<h:2>:<h:2>:<h:2>:<h:2>:<h:2>:<h:2>:<h:2>:<h:2>:<h:2>:<h:2>:<h:2>:<h:2>:<h:2>:<h:2>:<h:2>:<h:2>
gpg: key <H:16>: public key "Anna <anna@acme.io>" imported
Key fingerprint = <H:4> <H:4> <H:4> <H:4> <H:4>  <H:4> <H:4> <H:4> <H:4> <H:4>
X509v3 Subject Key Identifier: <H:2>:<H:2>:<H:2>:<H:2>:<H:2>:<H:2>:<H:2>:<H:2>
Serial Number: <h:2>:<h:2>:<h:2>:<h:2>:<h:2>:<h:2>:<h:2>:<h:2>
# private-key-mentions
The file must begin with -----BEGIN OPENSSH PRIV~ATE KEY-----, else ssh refuses it.
if "-----BEGIN RSA PRIV~ATE KEY-----" in text:
grep -rl 'BEGIN PRIV~ATE KEY' .
Load key "/root/.ssh/id_rsa": error in libcrypto
# doc-keys-aws
aws_access_key_id = AKIA~IOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUt~nFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
AWS_ACCESS_KEY_ID=AKIA~IOSFODNN7EXAMPLE
AKIA~I44QH8DHBEXAMPLE is the key of the documentation
aws_secret_access_key: wJalrXUt~nFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY
# public-client-keys
STRIPE_PUBLISHABLE_KEY=pk_~live_51<a:97>
pk_~test_51<a:97>
sb_~publishable_<w:22>_<w:8>
NEXT_PUBLIC_POSTHOG_KEY=phc_<a:43>
SENTRY_DSN=https://<h:32>@o<d:6>.ingest.sentry.io/<d:7>
pk.eyJ1~IjoiYWNtZSIsImEiOiJ<a:28>.<w:22>
gtag('config', 'G-<u:10>')
client_id=<d:12>-<l:32>.apps.googleusercontent.com
# ids-of-services
cus_<a:14> paid in_<a:24> with pi_<a:24>
price_1<a:23>
chatcmpl-<a:29>
asst_<a:24> thread_<a:24>
msg_01<a:22> toolu_01<a:22>
req_011C<a:20>
C0<u:9> U0<u:9> T0<u:9>
# versions
Python 3.11.7 (main, Dec  8 2023, 14:22:46) [GCC 13.2.0]
go1.22.<d:1> linux/amd64
1.0.0-alpha.<d:2>+<h:7>
v20.11.<d:1>
acme-2025.11.<d:2>.post1.dev<d:3>+g<h:8>
linux-image-6.8.0-<d:2>-generic
# times
2025-11-03T08:14:22.<d:6>Z
key 2025-11-03 08:14:22,<d:3> <h:8>
1730<d:9>
Mon, 03 Nov 2025 08:14:<d:1>0 GMT
token issued 08:14:22#<h:7>
20251103T0814<d:2>Z_<h:8>
# numbers
+49 30 1234<d:5>
IBAN DE89 3704 0044 0532 0130 00
ISBN 978-3-16-148410-<d:1>
0x7ffd<h:8>
192.168.<d:1>.1<d:1>/24
3.14159265358979323846264338327950288419716939937510
Order <d:12> of customer <d:8>
# hex-dumps
00000000: <h:4> <h:4> <h:4> <h:4> <h:4> <h:4> <h:4> <h:4>  ................
7f <h:2> <h:2> <h:2> <h:2> <h:2> <h:2> <h:2> <h:2> <h:2>
0x<h:40> is the contract's address
tx 0x<h:64> mined in block <d:8>
color: #<h:6>; background: #<h:8>
# mac-and-network
link/ether 02:42:<h:2>:<h:2>:<h:2>:<h:2> brd ff:ff:ff:ff:ff:ff
inet6 fe80::<h:4>:<h:4>:<h:4>:<h:4>/64 scope link
2001:db8:<h:4>:<h:4>::<h:4>
# base64-images
<img src="data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8Dwn<b:12>AAAAAElFTkSuQmCC">
url(data:font/woff2;base64,d09GMgABAAAAA<b:120>)
background: url("data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
# source-maps
//# sourceMappingURL=data:application/json;base64,eyJ2ZXJzaW9uIjozLCJzb3VyY2VzIjpb<b:60>
"mappings":"AAAA,SAASA,IAAT,CAAaC,GAAb,EAAkB;EAChB,OAAOA,GAAG,CAACC,KAAX;AACD",
"mappings":";;;AAGA,MAAMA,KAAK,GAAG,CAAC,CAAC;AAChB,IAAIC",
//# sourceMappingURL=app.<h:20>.js.map
# css
.password-field{color:#<h:6>;margin:0 auto}
.token--string{color:#<h:6>}
input[type="password"]:focus{outline:2px solid #<h:3>}
.css-1<l:6>-MuiInputBase-root{width:100%}
--key-color: rgba(12,34,56,.7);
# minified
!function(e,t){"object"==typeof exports?module.exports=t():e.token=t()}(this,function(){return 1});
var a=b.password,c=d.token||"";if(a&&c)e(a,c);
function r(e){return e.replace(/password/g,"x")}const s={token:e,key:t};
(self.webpackChunk=self.webpackChunk||[]).push([[<d:3>],{<d:4>:(e,t,n)=>{n.d(t,{Z:()=>s})}}]);
# html
<label for="password">Password</label><input id="password" type="password" autocomplete="current-password">
<input type="password" name="password" value="">
<p>Token: <span id="token"></span></p>
<a href="/password/forgot">Forgot your password?</a>
# logs
2025-11-03T08:14:22Z INFO auth: token refreshed for user=anna in 83ms
2025-11-03 08:14:22 WARN login failed user=admin reason=bad_password ip=10.0.0.<d:1>
sshd[<d:4>]: Failed password for invalid user oracle from 203.0.113.<d:1> port 5<d:4> ssh2
sshd[<d:4>]: Accepted publickey for anna from 10.0.0.4 port 5<d:4> ssh2: ED25519 SHA256:<b:43>
level=info msg="secret synced" name=db-credentials version=<d:2>
[pool-1-thread-<d:1>] DEBUG TokenService - token cache size=1024
# http-logs
"POST /oauth/token HTTP/1.1" 200 1<d:3> "-" "curl/8.5.0"
GET /.well-known/jwks.json 304
< WWW-Authenticate: Bearer realm="acme", error="invalid_token"
< Strict-Transport-Security: max-age=31536000
Sec-WebSocket-Accept: <b:27>=
ETag: W/"<h:8>-<b:27>"
# tracebacks
Traceback (most recent call last):\n  File "/app/auth.py", line <d:2>, in login\n    token = fetch_token(user, password)\nKeyError: 'access_token'
ValueError: password must not be empty
TypeError: login() missing 1 required positional argument: 'password'
AuthenticationError: No API key provided. You can set your API key using 'api_key = <API-KEY>'.
openai.AuthenticationError: Error code: 401 - {'error': {'message': 'Incorrect API key provided: sk-proj-********1f2c.'}}
at TokenService.verify (/app/dist/token.js:<d:2>:17)
java.sql.SQLException: Access denied for user 'app'@'10.0.0.<d:1>' (using password: YES)
# shell-p
mkdir -p /var/lib/acme/secrets
docker run -p 8080:80 nginx
ssh -p 2222 root@db1.acme.internal
cp -p passwords.txt /backup/
ps -p <d:5> -o pid,cmd
psql -h db -p 5432 -U app
nc -p 4<d:4> db1 22
nmap -p 1-1024 10.0.0.<d:1>
tmux -p 30
python -m pytest -p no:cacheprovider
# shell-a-w-u
ls -a ~~/.ssh
git commit -a -m 'Rename password field'
uname -a
grep -w password README.md
ping -w 5 db1
tcpdump -w out.pcap port 443
docker ps -a
sort -u tokens.txt
curl -u "$USER:$PASS" https://acme.io
git push -u origin token-refresh
redis-cli -h cache -n 2 INFO
# shell-password-prompts
mysql -u root -p
docker login --password-stdin registry.acme.io < token.txt
sudo -S true
curl -u anna https://acme.io
Enter host password for user 'anna':
[sudo] password for anna:
passwd: password updated successfully
ssh-keygen -t ed25519 -N ""
read -s -p "Password: " pw
# shell-tools
kubectl get secret db -o jsonpath='{.data.password}' | base64 -d
gh secret list
gh auth token
vault kv get -field=password secret/db
aws secretsmanager get-secret-value --secret-id prod/db
gcloud auth print-access-token
pass show mail/anna
op read op://prod/db/password
# regexes
re.compile(r"ghp_[A-Za-z0-9]{36}")
^sk-[a-zA-Z0-9]{20,}$
(?i)password\s*[=:]\s*\S+
/Bearer\s+([A-Za-z0-9._-]+)/
AKIA[0-9A-Z]{16}
# prefixes-in-prose
GitHub's tokens begin with ghp_ or github_pat_.
Keys with the prefix sk-ant- belong to Anthropic, sk_live_ to Stripe.
xoxb- marks a bot's token, xoxp- a user's.
A JWT begins with eyJ and has two dots.
# german
Das Passwort muss mindestens zwölf Zeichen haben.
Passwort: erforderlich
Das Kennwort ist abgelaufen.
Bitte gib dein Passwort ein:
Der Schlüssel liegt unter /etc/ssl/private.
# french
Le mot de passe est obligatoire.
Mot de passe oublié ?
La clé est absente du dictionnaire.
Entrez votre mot de passe :
# spanish
La contraseña es incorrecta.
¿Olvidaste tu contraseña?
contraseña: obligatoria
La clave primaria es id.
# portuguese-italian
A senha deve ter oito caracteres.
Esqueceu a senha?
La password è scaduta.
La chiave è il campo id.
# slavic
Hasło jest wymagane.
Nie pamiętasz hasła?
Пароль должен содержать не менее восьми символов.
Забыли пароль?
Ключ отсутствует в словаре.
# cjk
密码不能为空。
忘记密码？
密码：必填
パスワードを入力してください。
パスワード：必須
비밀번호를 잊으셨나요?
비밀번호: 필수
# other-languages
Parolanızı mı unuttunuz?
Het wachtwoord is verlopen.
Lösenordet måste bytas.
Ο κωδικός είναι λάθος.
שכחת סיסמה?
نسيت كلمة المرور؟
# yaml-headers
apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  uid: <U>\n  resourceVersion: "<d:7>"
kind: ServiceAccount\nmetadata:\n  name: ci-token
- uses: actions/checkout@<h:40>
rev: <h:40>  # v0.6.9
# ci-names
jobs:\n  rotate-token:\n    runs-on: ubuntu-24.04
::add-mask::***
::set-output name=token::***
Run actions/create-github-app-token@v1
Cache key: Linux-node-<h:64>
# caches-and-build
restored from key: v2-deps-<h:64>
cache-key=pip-<h:40>-linux
Build ID: <h:40>
sccache key <h:64> hit
turbo: cache hit, replaying logs <h:16>
# i18n-keys
"auth.password.label": "Password",
login.token.expired=Your token has expired
"secretLabel": "Secret",
msgid "Password"\nmsgstr "Passwort"
# enum-constants
PASSWORD = "password"
TOKEN_TYPE = "Bearer"
GRANT_TYPE_PASSWORD = "password"
enum Secret { ApiKey, Token }
"token_type": "Bearer"
grant_type=refresh_token
"type": "password"
# dictionary-keys
key=lambda x: x.token
sorted(items, key=itemgetter("password"))
key: value
"key": "name", "value": "anna"
cache_key = f"user:{user_id}"
primary_key=True
foreignKey: 'user_id'
keyboard: de-latin1-nodeadkeys
key=ArrowDown
monkey: banana
# compound-words
tokenizer: bert-base-uncased
passthrough=enabled
compass: north-by-northwest
secretary: anna.schmidt@acme.io
authors: ['Anna Schmidt', 'Jo Berg']
bypass=proxy.acme.internal
passage: chapter-seventeen
keynote: opening-session-2025
# commit-messages
Add password strength meter (#<d:4>)
fix(auth): token: handle expiry in refresh flow
Remove secret from logs, see SEC-<d:3>
chore: rotate api_key reference in values.yaml
# markdown-docs
| `password` | string | the user's password |
- `--token TOKEN`: token for the API
`API_KEY` is read from the environment.
## Secrets\n\nNever commit a secret.
--password PASSWORD  password of the account (default: ask)
# package-names
pip install secret-sharing-toolkit==1.0.<d:1>
password-validator@5.3.0
@types/jsonwebtoken
github.com/acme/token-service/internal/secret
com.acme.security.PasswordEncoder
# class-names
AbstractPasswordResetTokenGeneratorFactoryBean
BearerTokenAuthenticationFilter
org.springframework.security.oauth2.core.OAuth2AccessToken
test_login_with_expired_token_returns_401_and_clears_cookie
NSPersistentStoreCoordinatorStoresDidChangeNotification
# cookies-harmless
Cookie: theme=dark; lang=de
Set-Cookie: sid=; Expires=Thu, 01 Jan 1970 00:00:00 GMT
document.cookie = "consent=yes"
Cookie: _ga=GA1.2.<d:9>.17<d:8>
# headers-harmless
Authorization: Basic <credentials>
X-API-Key: required
Accept: application/json
WWW-Authenticate: Basic realm="acme"
Access-Control-Allow-Headers: Authorization, X-Auth-Token
Vary: Authorization
# selectors-and-steps
Step 3: click on button 'Forgot password'
page.fill('#password', process.env.PASSWORD)
await page.getByLabel('Password').click()
driver.find_element(By.NAME, 'password').clear()
type the password into the field and press Enter
# agent-steps
{"tool": "bash", "args": {"command": "grep -rn 'password' src | head -20"}, "ok": true}
{"tool": "read_file", "args": {"path": "src/auth/token.py"}, "result": "<d:3> lines"}
{"step": 2, "output": "tests/test_token.py::test_refresh PASSED [ <d:2>%]"}
Step 5: the agent read `.env.example`; API_KEY= is empty there.
# json-in-text-harmless
answer: {"token": null, "expires_in": 3600}
{\"password\": \"\", \"user\": \"anna\"}
The schema says {"password": {"writeOnly": true}}.
{"password": "********", "user": "anna"}
# ml-words
special_tokens: ["[CLS]", "[SEP]", "<pad>"]
eos_token: "</s>"
pad_token_id=50256
bos_token = "<|begin_of_text|>"
tokenizer.encode("password")
vocab: Ġpassword Ġtoken Ġsecret
attention key/value: K=<d:3>, V=<d:3>
# dna-protein
>seq<d:3>\nATGGCGTACGCTTGAGCTAGCTAGGATCGATCGATTACGCTAG
MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQ
InChIKey=BSYNRYMUTXBXSQ-UHFFFAOYSA-N
SMILES CC(=O)OC1=CC=CC=C1C(=O)O
# crontab-systemd
EnvironmentFile=/etc/acme/secrets.env
LoadCredential=token:/etc/acme/token
0 3 * * * /usr/local/bin/rotate-password.sh
systemd[1]: Started Forward Password Requests to Wall Directory Watch.
# windows-ids
S-1-5-21-<d:10>-<d:10>-<d:9>-1001
{<H:8>-<H:4>-4<H:3>-A<H:3>-<H:12>}
HKLM\SYSTEM\CurrentControlSet\Control\Lsa\DisableDomainCreds = 0
KB50<d:5> installed
# passwd-file
root:x:0:0:root:/root:/bin/bash
anna:x:1000:1000:Anna,,,:/home/anna:/bin/zsh
daemon:*:19876:0:99999:7:::
sshd:!:19876::::::
# netrc-like-prose
The machine db1 has a login banner; its password policy is strict.
machine learning, login forms and password managers
host:port:database:user:password is the form of .pgpass
Each line of .netrc holds machine, login and password.
# passwordless-config
trust authentication: host all all 127.0.0.1/32 scram-sha-256
auth: none
password_encryption = scram-sha-256
hash: argon2id, memory: 65536, iterations: 3
PubkeyAcceptedAlgorithms ssh-ed25519,rsa-sha2-512
# hash-names
bcrypt rounds=12
$2b$ marks bcrypt, $argon2id$ argon2
$6$ is the prefix of sha512crypt
hashcat -m 1800 is for sha512crypt
# printf-placeholders
logger.info("token %s refreshed", token_id)
printf("password: %s\n", mask(pw));
fmt.Errorf("secret %q not found", name)
"password={}".format(mask(pw))
log.debug("apiKey={}", masked);
# etags-assets
/static/js/main.<h:8>.chunk.js
/_next/static/<w:21>/_buildManifest.js
/assets/index-<a:8>.css
sw.js precache [{"url":"/index.html","revision":"<h:32>"}]
# pagination-cursors
{"has_more": false, "next_page": null}
page_token is empty on the last page
"cursor": 1<d:3>
offset=<d:4>&limit=100
# mail-headers
Message-ID: <<h:16>.<d:10>@mail.acme.io>
DKIM-Signature: v=1; a=rsa-sha256; d=acme.io; s=mail; bh=<b:43>=; b=<b:86>==
Received: from mx1.acme.io by mx2.acme.io with ESMTPS id <l:16>
v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCB<b:184>
boundary="----=_Part_<d:6>_<d:9>.17<d:11>"
# dns-records
acme.io. 3600 IN DS 12345 13 2 <H:64>
_dmarc TXT "v=DMARC1; p=reject"
acme.io. IN TLSA 3 1 1 <h:64>
# sizes-and-metrics
auth_token_requests_total{code="200"} <d:5>
password_reset_seconds_bucket{le="0.5"} <d:3>
secret_count 14
keys: <d:3> tokens: <d:4> elapsed: 0.<d:3>s
"""


def _plain(r):
    return r.choice(["The quick brown fox jumps over the lazy dog.", "Hello from the build farm, all is well today.", "Reports are due on Friday at noon, please.",
                     "<p>Nothing to see here, move along.</p>", "id,name,city\n1,Anna,Bonn\n2,Jo,Graz\n", "Lorem ipsum dolor sit amet, consectetur adipiscing."]) + " " + str(r.randrange(10**4))


WORDS = "apple river window the of stone running quickly table seventeen blue mountain chairs walked bread painted under evening letters garden paper small houses lamp forest".split()
LL = [                                      # kinds with a function; each called four times
    ("base64-of-plain-text", lambda r: b64(_plain(r))),
    ("base64-of-plain-text/echo", lambda r: f"echo {b64(_plain(r))} | base64 -d"),
    ("base64-of-json", lambda r: "payload " + b64(json.dumps({"page": r.randrange(99), "sort": "name", "dir": "asc"}))),
    ("base64-configmap", lambda r: "kind: ConfigMap\nbinaryData:\n  motd: " + b64(_plain(r))),
    ("word-list-no-seed", lambda r: "words: " + " ".join(r.sample(WORDS, 12))),
    ("word-list-tags", lambda r: "tags: " + ", ".join(r.sample(["network", "python", "docker", "testing", "storage", "billing", "mobile", "search", "parser", "graphics", "sensor"], 6))),
    ("word-list-sentence", lambda r: "The " + " ".join(r.sample(["old", "wild", "small", "quick"], 2)) + " horse ran from the village to the river and slept near the bridge until the winter came."),
    ("word-list-numbered-shopping", lambda r: "\n".join(f"{i}. {w}" for i, w in enumerate(r.sample(["bread", "milk", "butter", "apples", "rice", "tea", "salt", "pasta", "onions", "lamp oil", "soap", "paper"], 12), 1))),
    ("jwt-header-only", lambda r: "The decoded header is " + json.dumps({"alg": r.choice(["HS256", "RS256", "ES256"]), "typ": "JWT", "kid": f"key-{r.randrange(1000)}"})),
    ("jwt-claims-decoded", lambda r: json.dumps({"sub": rs(r, "d", 10), "iss": "https://login.acme.io", "exp": 1730000000 + r.randrange(10**7), "scope": "read write"})),
    ("stars-partial", lambda r: f"key ending in ...{rs(r, 'a', 4)} was revoked"),
    ("long-identifiers", lambda r: "".join(w.title() for w in r.sample(["user", "session", "token", "refresh", "password", "policy", "manager", "factory", "handler", "provider"], 6))),
    ("snake-identifiers", lambda r: "_".join(r.sample(["get", "user", "password", "token", "from", "secret", "cache", "or", "raise", "default"], 6)) + "(request)"),
    ("kebab-slugs", lambda r: "/docs/" + "-".join(r.sample(["how", "to", "rotate", "your", "api", "key", "without", "downtime", "and", "password", "policy"], 7))),
    ("upper-env-names", lambda r: "unset " + " ".join(r.sample(["GITHUB_TOKEN", "DB_PASSWORD", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "NPM_TOKEN", "SLACK_BOT_TOKEN", "STRIPE_SECRET_KEY"], 3))),
    ("missing-env", lambda r: f"Error: {r.choice(['GITHUB_TOKEN', 'DB_PASSWORD', 'OPENAI_API_KEY', 'NPM_TOKEN', 'HF_TOKEN'])} is not set (exit {r.randrange(1, 250)})"),
    ("embedding-vector", lambda r: "[" + ", ".join(f"{r.uniform(-1, 1):.6f}" for _ in range(12)) + "]"),
    ("uuid-list", lambda r: "\n".join(T(r, "<U>") for _ in range(3))),
    ("random-base58-ipfs", lambda r: "ipfs://Qm" + rs(r, AL58, 44)),
    ("ipfs-cid-v1", lambda r: "https://ipfs.io/ipfs/bafybei" + rs(r, "B", 52)),
    ("bitcoin-address", lambda r: "sent to bc1q" + rs(r, "qpzry9x8gf2tvdw0s3jn54khce6mua7l", 38)),
    ("onion-address", lambda r: f"http://{rs(r, 'B', 56)}.onion/"),
    ("content-addressed", lambda r: f"blob sha256:{rs(r, 'h', 64)} pushed, size {r.randrange(10**6)}"),
    ("tables-of-hashes", lambda r: "| file | sha256 |\n|---|---|\n| a.bin | " + rs(r, "h", 64) + " |"),
    ("pytest-ids", lambda r: f"tests/test_login.py::test_wrong_password[user{r.randrange(10**4)}-bad] PASSED"),
    ("passwords-lengths", lambda r: f"password length {r.randrange(8, 64)}, token length {r.randrange(16, 999)}, entropy {r.uniform(40, 90):.2f} bits"),
    ("assert-status", lambda r: f"assert resp.status_code == {r.choice([401, 403, 200])}, 'token rejected in case {r.randrange(10**5)}'"),
    ("git-remote-ssh", lambda r: f"origin\tgit@git.acme.io:team/app{r.randrange(10**4)}.git (fetch)"),
    ("npm-tarball", lambda r: f"https://registry.npmjs.org/password-prompt/-/password-prompt-{r.randrange(9)}.{r.randrange(99)}.{r.randrange(99)}.tgz"),
    ("timing-lines", lambda r: f"token validation took {r.uniform(0, 9):.4f}s; secret lookup took {r.uniform(0, 9):.4f}s"),
    ("progress-bars", lambda r: f"Tokenizing: {r.randrange(100)}%|██████    | {r.randrange(10**5)}/100000 [00:{r.randrange(10, 59)}<00:12, {r.uniform(100, 999):.2f}it/s]"),
    ("csv-rows", lambda r: f"user,token_count,last_login\nanna,{r.randrange(10**5)},2025-11-0{r.randrange(1, 9)}"),
]


def _fill(r, t):
    return T(r, t.replace("\\n", "\n").replace("\\t", "\t").replace("~~", "\0")).replace("\0", "~")


def look_alikes(seed):
    r = random.Random(f"looks:{seed}")
    out, seen, kind = [], set(), None

    def put(k, t):
        if t not in seen:
            seen.add(t); out.append((k, t))
    for line in LOOKS.strip("\n").split("\n"):
        if re.fullmatch(r"# [a-z0-9-]+", line):
            kind = line[2:]
        elif line:
            put(kind, _fill(r, line))
    for k, f in LL:
        for _ in range(4):
            put(k, f(r))
    return out


def check(seed=1):
    s, l = secrets(seed), look_alikes(seed)
    assert s == secrets(seed) and l == look_alikes(seed) and s != secrets(f"{seed}x") and l != look_alikes(f"{seed}x")
    for k, t, xs in s:
        assert xs and all(x in t and len(x) >= 6 for x in xs), k
        assert re.fullmatch(r"[a-z0-9][\w./-]*", k), k
    assert len(s) >= 200 and len({k for k, *_ in s}) >= 100 and len(l) >= 400 and len({k for k, _ in l}) >= 80
    assert not [k for k, t in l if re.search(r"<[a-zA-Z]:\d+>|<U>", t)]
    return len(s), len({k.split("/")[0] for k, *_ in s}), len(l), len({k.split("/")[0] for k, _ in l})


if __name__ == "__main__":
    print("secrets %d of %d kinds, look-alikes %d of %d kinds" % check())
