//! The reference: every setting, its default and its meaning. README.md holds the same table.

/// One setting, for the reference and for telling known names from unknown ones.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// What holds when it is not set; `required` when it must be.
    pub default: &'static str,
    /// What it does, with unit and range.
    pub meaning: &'static str,
}

const fn setting(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { name, default, meaning }
}

/// Every setting there is.
pub const SETTINGS: &[Setting] = &[
    setting("PALISADE_POLICY", "`seed`", "The base of all numbers: `seed` (the article's) or `nist` (SP 800-63B-4)."),
    setting(
        "PALISADE_SECRET",
        "required",
        "Signs CSRF, device and one-time tokens and makes log pseudonyms. One or more strings of at least 32 printable characters, separated by commas; the first signs, all verify.",
    ),
    setting(
        "PALISADE_IDENTITY_KEY",
        "required",
        "Turns identifiers into storage keys. At least 32 printable characters; never change it, or every account is lost.",
    ),
    setting(
        "PALISADE_TABLE_ACCOUNTS",
        "required by all but `breach-check` and the two that send messages",
        "Name of the accounts table.",
    ),
    setting(
        "PALISADE_TABLE_SESSIONS",
        "required by all but `breach-check`, `signup`, `cognito-triggers` and the two that send messages",
        "Name of the sessions table.",
    ),
    setting("PALISADE_TABLE_HISTORY", "required by `password-change`", "Name of the password history table."),
    setting("PALISADE_TABLE_COUNTERS", "required by all but `notice-mailer`", "Name of the counters table."),
    setting("PALISADE_TABLE_INCIDENTS", "required by all but `breach-check` and `notice-mailer`", "Name of the incidents table."),
    setting("PALISADE_TABLE_NOTICES", "required by all but `breach-check`", "Name of the notices table."),
    setting(
        "PALISADE_BASE_URL",
        "–",
        "Origin that people see, such as `https://auth.example.com`: a request with this `Origin` is not cross-site, and links in messages begin with it.",
    ),
    setting(
        "PALISADE_RESET_PATH",
        "`/password/reset`",
        "The page under it on which a password is reset; the token follows after `#token=`.",
    ),
    setting("PALISADE_CONFIRM_PATH", "`/signup/confirm`", "The page under it on which a sign-up is confirmed."),
    setting("PALISADE_TOPIC_ALERTS", "required by `alert-fan-out`", "ARN of the SNS topic for operators."),
    setting(
        "PALISADE_TOPIC_NOTICES",
        "required by `alert-fan-out`",
        "ARN of the SNS topic for messages to users: encrypt it, one-time tokens pass through it.",
    ),
    setting(
        "PALISADE_WEBHOOK_URL",
        "none",
        "Where alerts are posted as well: `https`, at a public address, which is checked when it is configured and again when it is connected to.",
    ),
    setting(
        "PALISADE_WEBHOOK_SECRET",
        "required with it",
        "Signs what is posted (Standard Webhooks): `whsec_` and the base64 of 24 to 64 random bytes; several, separated by commas, all sign.",
    ),
    setting("PALISADE_WEBHOOK_TIMEOUT_MS", "2000", "Milliseconds that one post may take in all, 10 to 10000."),
    setting(
        "PALISADE_MAIL_FROM",
        "none",
        "Sender of `notice-mailer`, verified with Amazon SES, such as `Example <no-reply@example.com>`; without it no mail is sent.",
    ),
    setting("PALISADE_ALLOWED_ORIGINS", "none", "Further origins that may call, separated by commas, compared exactly."),
    setting(
        "PALISADE_TRUSTED_PROXIES",
        "none",
        "Networks (addresses or CIDR, commas) whose `X-Forwarded-For` is believed. Empty: the gateway's source address is the client.",
    ),
    setting(
        "PALISADE_IP_ALLOWLIST",
        "none",
        "Networks (addresses or CIDR, commas) that the limits per address do not refuse; those per account hold all the same.",
    ),
    setting("PALISADE_IDENTIFIER", "`email`", "What an account is named by: its `email` or its `username`."),
    setting(
        "PALISADE_REQUIRE_CONFIRMATION",
        "`true`",
        "Whether a sign-up waits for its confirmation. `false` tells everybody which names exist.",
    ),
    setting(
        "PALISADE_AUTHORIZER_RESPONSE",
        "`simple`",
        "How the authorizer answers HTTP API events of payload 2.0: `simple`, or `policy` where the authorizer has no simple responses. The other forms are told by the event.",
    ),
    setting(
        "PALISADE_TOKEN_AUTHORIZER",
        "`deny`",
        "Whether a REST TOKEN authorizer, whose events carry neither address nor browser, refuses everybody (`deny`) or lets sessions in bound to nothing (`allow_unbound`).",
    ),
    setting(
        "PALISADE_HIBP_URL",
        "`https://api.pwnedpasswords.com`",
        "Where breaches are looked up: a service with HaveIBeenPwned's range API.",
    ),
    setting("PALISADE_HSTS_PRELOAD", "`false`", "Adds `preload` to `Strict-Transport-Security`."),
    setting(
        "PALISADE_LOG",
        "`info`",
        "Level of Palisade's own lines: `error`, `warn`, `info`, `debug` or `trace`. Security events are always written.",
    ),
    setting("PALISADE_REQUESTS_PER_IP", "1000", "Requests without a session per address and hour, 1 to 1000000."),
    setting(
        "PALISADE_SESSIONS_NOT_BEFORE",
        "none",
        "Seconds since the epoch: sessions of logins before this are dead, everybody's. What to set after a leak.",
    ),
    setting(
        "PALISADE_MAX_SESSIONS",
        "never",
        "Most sessions of an account, 1 to 100, or `never` a limit; a login over it ends the oldest.",
    ),
    setting("PALISADE_BREACH_CHECKS_PER_IP", "60", "Breach checks per address and hour, 1 to 1000000."),
    setting("PALISADE_AUTH_REQUESTS_PER_IP", "20 (`nist` 1000)", "Sign-in requests per address and hour, 1 to 1000000."),
    setting("PALISADE_LOGIN_FAILURES_PER_IP", "5 (`nist` 100)", "Failed logins per address and window, 1 to 1000000."),
    setting("PALISADE_LOGIN_FAILURE_WINDOW_S", "900 (`nist` 3600)", "That window in seconds: 900 or 3600."),
    setting(
        "PALISADE_LIMITS",
        "`enforce`",
        "Whether the limits of addresses, of accounts at login and of users refuse (`enforce`) or are only counted and logged (`monitor`): for trying a policy, never for long. Passwords, sessions, blocks, and the limits on passwords within a session hold all the same.",
    ),
    setting("PALISADE_USER_REQUESTS_REGULAR", "2000", "Requests with a session per account and hour, 1 to 1000000."),
    setting("PALISADE_USER_REQUESTS_STAFF", "5000", "The same for staff."),
    setting("PALISADE_USER_REQUESTS_SUPERUSER", "10000", "The same for superusers."),
    setting(
        "PALISADE_TIME_ZONE",
        "`UTC`",
        "Where people live who have no time zone of their own, such as `Europe/Berlin`: a login before 6 or from 22 on is unusual there.",
    ),
    setting("PALISADE_ANOMALY_LOGINS_PER_HOUR", "10", "More logins of an account in an hour are unusual, 1 to 11."),
    setting("PALISADE_ANOMALY_ADDRESSES_PER_DAY", "5", "Logins from more addresses in a day are unusual, 1 to 11."),
    setting("PALISADE_ANOMALY_FAILURES_PER_IP", "3", "A login from an address with more failed ones is unusual, 1 to 1000000."),
    setting(
        "PALISADE_ANOMALY_FAILURES_IN_A_ROW",
        "10",
        "So many failed logins of an account in a row, with no hour between them, are brute force, 3 to 1000.",
    ),
    setting(
        "PALISADE_ANOMALY_FAILURES_PER_HOUR",
        "100",
        "So many failed logins of all accounts in an hour, if they are a fifth of all, are an attack on all, 10 to 1000000.",
    ),
    setting("PALISADE_LOGIN_DELAY_CAP_S", "60", "The longest delay after failed logins of an account, in seconds, 1 to 3600."),
    setting(
        "PALISADE_LOGIN_DELAY_MEMORY_S",
        "3600",
        "After so many seconds without a failure the delay starts again at one second, 60 to 86400.",
    ),
    setting(
        "PALISADE_LOGIN_CLOSES_AT",
        "never (`nist` 100)",
        "Failed logins in a row after which only known devices or a reset get in, 10 to 100; `never`.",
    ),
    setting(
        "PALISADE_DEVICE_CLOSES_AT",
        "10",
        "Failed logins in a row after which a known device is treated as unknown, 1 to 100.",
    ),
    setting("PALISADE_SESSION_IDLE_S", "3600", "Seconds without use after which a session ends, 60 to 86400."),
    setting("PALISADE_SESSION_MAX_S", "86400", "Seconds after which a session ends in any case, 60 to 2592000."),
    setting(
        "PALISADE_PASSWORD_MAX_AGE_DAYS",
        "90 (`nist` never)",
        "Days after which a password must be changed, 1 to 3650; `never`.",
    ),
    setting("PALISADE_ARGON2_MEMORY_KIB", "19456", "Memory of one password hash in KiB, up to 131072."),
    setting("PALISADE_ARGON2_PASSES", "2", "Passes of one password hash, up to 10."),
    setting("PALISADE_ARGON2_LANES", "1", "Lanes of one password hash, up to 16."),
    setting(
        "PALISADE_DUMMY_SCHEME",
        "none",
        "While imported accounts exist: how Django hashed their passwords, such as `pbkdf2_sha256$1000000`. Everybody's check then takes that run as well, so that time tells nobody apart.",
    ),
    setting("PALISADE_PASSWORD_MIN_LENGTH", "12 (`nist` 15)", "Least characters of a new password, 8 to 64; 128 is the most."),
    setting(
        "PALISADE_PASSWORD_MAX_SIMILARITY",
        "70",
        "Similarity in percent to a name or e-mail address that refuses a new password, 10 to 100.",
    ),
    setting("PALISADE_PASSWORD_MIN_UPPERCASE", "1 (`nist` 0)", "Least capital letters of a new password, 0 to 8."),
    setting("PALISADE_PASSWORD_MIN_LOWERCASE", "1 (`nist` 0)", "Least small letters, 0 to 8."),
    setting("PALISADE_PASSWORD_MIN_DIGITS", "1 (`nist` 0)", "Least digits, 0 to 8."),
    setting("PALISADE_PASSWORD_MIN_SPECIAL", "1 (`nist` 0)", "Least punctuation and symbols, 0 to 8."),
    setting(
        "PALISADE_PASSWORD_MAX_CONSECUTIVE",
        "2 (`nist` never)",
        "Most equal characters in a row, 1 to 16, or `never` a limit.",
    ),
    setting(
        "PALISADE_PASSWORD_HISTORY",
        "5",
        "How many earlier passwords cannot be chosen again, beside the current one, 0 to 10.",
    ),
    setting(
        "PALISADE_CONTEXT_WORDS",
        "none",
        "Words of 3 to 64 characters, separated by commas, that a password must not contain (`nist`: be), such as the service's name.",
    ),
    setting(
        "PALISADE_BREACH_BLOCK_OVER",
        "100 (`nist` 0)",
        "A password seen in breaches more often than this is refused, 0 to 1000000.",
    ),
    setting("PALISADE_BREACH_WARN_OVER", "10 (`nist` 0)", "One seen more often than this is logged, 0 to 1000000."),
    setting(
        "PALISADE_BREACH_UNAVAILABLE",
        "`allow`",
        "When the breach service does not answer: `allow` the password and check again at the next login, or `refuse` with 503.",
    ),
    setting("PALISADE_ALLOW_WEAK_ARGON2", "`false`", "Accepts hash costs below the OWASP floor. For tests only."),
    setting("PALISADE_DEADLINE_MS", "4000", "Milliseconds a request may take before the answer is 503, 50 to 29000."),
    setting("PALISADE_CONNECT_TIMEOUT_MS", "500", "Milliseconds to connect to DynamoDB, 10 to 10000."),
    setting("PALISADE_ATTEMPT_TIMEOUT_MS", "1000", "Milliseconds one attempt at a DynamoDB call may take, 10 to 10000."),
    setting(
        "PALISADE_TOUCH_TIMEOUT_MS",
        "300",
        "Milliseconds that writing a session's last use may take, 10 to 29000; without it the request goes on.",
    ),
    setting("PALISADE_VALIDATION_DEADLINE_MS", "1800", "Milliseconds the authorizer may take before it refuses, 50 to 29000."),
    setting("PALISADE_HIBP_CONNECT_TIMEOUT_MS", "1000", "Milliseconds to connect to the breach service, 10 to 10000."),
    setting(
        "PALISADE_HIBP_TIMEOUT_MS",
        "2000",
        "Milliseconds the breach service may take in all, a repetition included, 10 to 10000.",
    ),
    setting("PALISADE_OPERATION_TIMEOUT_MS", "2000", "Milliseconds a DynamoDB call may take with its retry, 10 to 20000."),
    setting(
        "PALISADE_COGNITO_DEADLINE_MS",
        "2500",
        "Milliseconds a Cognito trigger may take, 50 to 4500: Cognito itself gives up after 5000.",
    ),
    setting("PALISADE_COGNITO_HIBP_TIMEOUT_MS", "800", "Milliseconds of it for the breach service, 10 to 2000."),
    setting(
        "PALISADE_COGNITO_SIGN_UPS_PER_HOUR",
        "1000",
        "Sign-ups to a user pool an hour, of all together, 1 to 10000000 or `never` refused; over it operators are told.",
    ),
    setting(
        "PALISADE_COGNITO_SIGN_UPS_PER_MAILBOX",
        "3",
        "Sign-ups to a user pool in a day with further addresses of one mailbox (`a+1@`, `a+2@`), 1 to 1000.",
    ),
    setting(
        "PALISADE_BLOCKED_MAIL_DOMAINS",
        "none",
        "Domains whose addresses cannot sign up to a user pool, with those below them, separated by commas.",
    ),
    setting(
        "PALISADE_COGNITO_MAX_AUTH_AGE_S",
        "2592000",
        "Seconds after a sign-in to a user pool during which its tokens are refreshed, 60 to 315360000 or `never` ending; the pool's own limit holds as well.",
    ),
    setting(
        "PALISADE_COGNITO_SIGN_OUT",
        "`true`",
        "Whether Cognito is asked to end all sessions of a user after a forgotten password: needs `cognito-idp:AdminUserGlobalSignOut`.",
    ),
    setting("PALISADE_SERVICE_NAME", "none", "Who the messages of a user pool come from, at most 30 characters."),
];
