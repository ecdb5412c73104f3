//! Who is calling: tokens, and the two signatures.

use std::time::Duration;

use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use jiff::Timestamp;
use serde_json::json;

use crate::clock::{later, rfc3339_wib};
use crate::crypto::{base64, from_base64, hex, hmac_sha256, hmac_sha512, jwt_hs256, redacted, same, sha256};
use crate::json;
use crate::provider::Request;
use crate::requests::Verdict;
use crate::slips::{self, BODY, Form, METHOD, PATH, TIMESTAMP, form};

pub(super) const CLIENT_ID: &str = "3c0de7b2-1f5a-4d43-9d0c-6f2b8a4e7c10";
pub(super) const CLIENT_SECRET: &str = "test0client1secret2test3client45";
/// A key made for tests; it belongs to no account.
pub(super) const PRIVATE_KEY_PEM: &str = include_str!("test_key.pem");

/// How long a token is valid, in seconds.
pub(super) const TOKEN_LIFE: u64 = 900;
/// The length of an HMAC-SHA512.
const HMAC_LENGTH: usize = 64;

/// Paths that a client may have signed in place of the right one.
pub(super) const PATHS: [&str; 6] = [
    "/v1/open-api/access-token",
    "/v1/open-api/products/inquiry",
    "/v1/open-api/products/buy",
    "/v1/open-api/transactions/inquiry-postpaid",
    "/v1/open-api/transactions",
    "/v1/open-api/balance",
];

/// The tokens issued here, oldest first.
pub(super) struct Tokens {
    secret: Vec<u8>,
    issued: Vec<(String, Timestamp)>,
}

pub(super) enum TokenState {
    Valid,
    Expired,
    Unknown,
}

impl Tokens {
    pub(super) fn new(seed: u64) -> Self {
        Self { secret: sha256(format!("klikoo tokens {seed}").as_bytes()), issued: Vec::new() }
    }

    pub(super) fn issue(&mut self, now: Timestamp) -> String {
        let expiry = later(now, Duration::from_secs(TOKEN_LIFE));
        let claims = json!({
            "client_id": CLIENT_ID,
            "exp": expiry.as_second(),
            "timestamp": rfc3339_wib(now),
            "user_id": 1001,
        });
        let token = jwt_hs256(claims.to_string().as_bytes(), &self.secret);
        self.issued.push((token.clone(), expiry));
        token
    }

    pub(super) fn state(&self, token: &str, now: Timestamp) -> TokenState {
        match self.issued.iter().rev().find(|(issued, _)| issued == token) {
            Some((_, expiry)) if now < *expiry => TokenState::Valid,
            Some(_) => TokenState::Expired,
            None => TokenState::Unknown,
        }
    }

    /// Other tokens, newest first.
    pub(super) fn others<'a>(&'a self, token: &'a str) -> impl Iterator<Item = &'a str> {
        self.issued.iter().rev().map(|(issued, _)| issued.as_str()).filter(move |issued| *issued != token)
    }
}

/// Verifies the RSA signature of a token call.
pub(super) struct RsaVerifier(Vec<u8>);

impl RsaVerifier {
    pub(super) fn new() -> Self {
        let body: String = PRIVATE_KEY_PEM.lines().filter(|line| !line.starts_with("-----")).collect();
        let pair =
            KeyPair::from_pkcs8(&from_base64(&body).unwrap_or_default()).expect("the built-in test key is PKCS#8");
        Self(pair.public_key().as_ref().to_vec())
    }

    fn fits(&self, message: &str, signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.0).verify(message.as_bytes(), signature).is_ok()
    }

    pub(super) fn verdict(&self, timestamp: &str, signature: &str) -> Verdict {
        let expected = format!("{CLIENT_ID}|{timestamp}");
        let signed = format!("the server verified `{expected}`");
        if let Some(bytes) = from_base64(signature) {
            if self.fits(&expected, &bytes) {
                return Verdict::accepted("client_id|timestamp, RSA PKCS#1 v1.5 with SHA-256, base64");
            }
            for form in slips::timestamps(timestamp) {
                if self.fits(&format!("{CLIENT_ID}|{}", form.text), &bytes) {
                    return Verdict::refused("timestamp", format!("{}; {signed}", form.label));
                }
            }
            if self.fits(&format!("{CLIENT_SECRET}|{timestamp}"), &bytes) {
                return Verdict::refused(
                    "key",
                    format!("the client secret stands in place of the client id; {signed}"),
                );
            }
            for mark in ["", ":", " | "] {
                if self.fits(&format!("{CLIENT_ID}{mark}{timestamp}"), &bytes) {
                    return Verdict::refused("signature", format!("`{mark}` stands in place of `|`; {signed}"));
                }
            }
        }
        for (label, bytes) in slips::other_encodings(signature) {
            if self.fits(&expected, &bytes) {
                return Verdict::refused("signature", format!("{label}; {signed}"));
            }
        }
        Verdict::refused("signature", format!("no usual slip explains it; {signed}"))
    }
}

/// A request as far as its HMAC covers it.
pub(super) struct Signed<'a> {
    pub method: &'a str,
    /// Without the deployment prefix.
    pub path: &'a str,
    pub query: Option<&'a str>,
    pub prefix: &'a str,
    pub host: Option<&'a str>,
    pub token: &'a str,
    /// Tokens that a client may still hold.
    pub other_tokens: Vec<&'a str>,
    pub body: &'a [u8],
    pub timestamp: &'a str,
}

impl<'a> Signed<'a> {
    pub(super) fn of(request: &'a Request, token: &'a str, other_tokens: Vec<&'a str>, timestamp: &'a str) -> Self {
        Self {
            method: request.method.as_str(),
            path: &request.path,
            query: request.query.as_deref(),
            prefix: &request.prefix,
            host: request.header("host"),
            token,
            other_tokens,
            body: &request.body,
            timestamp,
        }
    }

    pub(super) fn verdict(&self, signature: &str) -> Verdict {
        let accepted = self.accepted();
        let secret = CLIENT_SECRET.as_bytes();
        let Some(bytes) = from_base64(signature).filter(|bytes| bytes.len() == HMAC_LENGTH) else {
            return self.unexplained(&accepted, signature);
        };
        let fits = |key: &[u8], text: &str| same(&hmac_sha512(key, text.as_bytes()), &bytes);
        let forms = accepted.each_ref().map(Vec::as_slice);
        if let Some(found) = slips::find(forms, &|text| fits(secret, text)) {
            return Verdict::accepted(format!("{}, {}, {}", found[METHOD].label, found[PATH].label, found[BODY].label));
        }
        let guesses = [(BODY, slips::member_orders(self.body)), (TIMESTAMP, slips::nearby(self.timestamp))];
        match slips::explain(&accepted, &self.slips(), secret, &self.other_keys(), &guesses, &fits) {
            Some((part, label)) => self.refused(part, &label),
            None => self.unexplained(&accepted, signature),
        }
    }

    fn refused(&self, part: &'static str, label: &str) -> Verdict {
        let Self { method, path, token, timestamp, .. } = self;
        let (token, hash) = (redacted(token), hex(&sha256(self.body)));
        let signed = format!("{method}:{path}:{token}:{hash}:{timestamp}");
        Verdict::refused(part, format!("{label}; the server signed `{signed}` with {}", redacted(CLIENT_SECRET)))
    }

    /// Right contents in another dress, or nothing known.
    fn unexplained(&self, accepted: &[Vec<Form>; 5], signature: &str) -> Verdict {
        if signature.is_empty() {
            return self.refused("signature", "there is no Open-Api-Signature");
        }
        let forms = accepted.each_ref().map(Vec::as_slice);
        for (label, bytes) in slips::other_encodings(signature) {
            if slips::find(forms, &|text| same(&hmac_sha512(CLIENT_SECRET.as_bytes(), text.as_bytes()), &bytes))
                .is_some()
            {
                return self.refused("signature", label);
            }
        }
        if let Some(bytes) = from_base64(signature).filter(|bytes| bytes.len() == 32) {
            let texts = forms.map(|forms| forms[0].text.as_str());
            if same(&hmac_sha256(CLIENT_SECRET.as_bytes(), texts.join(":").as_bytes()), &bytes) {
                return self.refused("signature", "made with SHA-256 in place of SHA-512");
            }
        }
        self.refused("signature", "no usual slip explains it")
    }

    fn body_texts(&self) -> Vec<(&'static str, String)> {
        let Ok(text) = std::str::from_utf8(self.body) else { return Vec::new() };
        let mut texts = vec![("body as received", text.to_owned())];
        for (label, other) in
            [("compact body", Some(json::compact(text))), ("compact and sorted body", json::sorted(text))]
        {
            match other {
                Some(other) if texts.iter().all(|(_, known)| *known != other) => texts.push((label, other)),
                _ => {}
            }
        }
        texts
    }

    /// Everything that the server accepts, the usual form first.
    fn accepted(&self) -> [Vec<Form>; 5] {
        let mut path = vec![form("path without query", self.path)];
        if let Some(query) = self.query {
            path.push(form("path with query", format!("{}?{query}", self.path)));
        }
        let mut body: Vec<_> =
            self.body_texts().into_iter().map(|(label, text)| form(label, hex(&sha256(text.as_bytes())))).collect();
        if body.is_empty() {
            body.push(form("body as received", hex(&sha256(self.body))));
        }
        [
            vec![
                form("method in upper case", self.method.to_ascii_uppercase()),
                form("method in lower case", self.method.to_ascii_lowercase()),
            ],
            path,
            vec![form("token", self.token)],
            body,
            vec![form("timestamp", self.timestamp)],
        ]
    }

    /// What clients get wrong, place by place.
    fn slips(&self) -> [Vec<Form>; 5] {
        [
            slips::methods(self.method),
            self.path_slips(),
            slips::tokens(self.token, &self.other_tokens),
            slips::bodies(&self.body_texts()),
            slips::timestamps(self.timestamp),
        ]
    }

    fn path_slips(&self) -> Vec<Form> {
        let Self { path, prefix, .. } = self;
        let query = self.query.map(|query| format!("?{query}")).unwrap_or_default();
        let mut slips = Vec::new();
        for tail in if query.is_empty() { vec![""] } else { vec!["", query.as_str()] } {
            slips.push(form("the path holds the deployment prefix", format!("/{prefix}{path}{tail}")));
            for host in self
                .host
                .into_iter()
                .flat_map(|host| [host.to_owned(), format!("http://{host}"), format!("https://{host}")])
            {
                slips.push(form("the path holds the host", format!("{host}/{prefix}{path}{tail}")));
                slips.push(form("the path holds the host", format!("{host}{path}{tail}")));
            }
            slips.push(form("the path lacks its first slash", format!("{}{tail}", path.trim_start_matches('/'))));
            slips.push(form("the path has a slash too many at its end", format!("{path}/{tail}")));
            slips.push(form("the path lacks /v1", format!("{}{tail}", path.trim_start_matches("/v1"))));
        }
        slips.push(form("the query alone stands in place of the path", query));
        for other in PATHS.iter().filter(|other| *other != path) {
            slips.push(form(format!("signed for {other}"), *other));
        }
        slips
    }

    fn other_keys(&self) -> Vec<(&'static str, Vec<u8>)> {
        let secret = CLIENT_SECRET;
        let mut keys = vec![
            ("the key is the secret in base64", base64(secret.as_bytes()).into_bytes()),
            ("the key is the secret in hexadecimal", hex(secret.as_bytes()).into_bytes()),
            ("the key is the client id", CLIENT_ID.into()),
            ("the key is the private key", PRIVATE_KEY_PEM.into()),
            ("the key is the token", self.token.into()),
            ("the key is empty", Vec::new()),
            ("the key has a line end", format!("{secret}\n").into_bytes()),
        ];
        keys.extend(from_base64(secret).map(|key| ("the key is the secret decoded from base64", key)));
        keys
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const VECTORS: &str = include_str!("../../../../tests/fixtures/klikoo/signatures.json");

    /// The sandbox's own verification, against vectors that were made without it.
    #[test]
    fn verifies_every_vector() {
        let vectors: Value = serde_json::from_str(VECTORS).expect("JSON");
        let mut kinds = Vec::new();
        for vector in vectors["vectors"].as_array().expect("array") {
            let name = &vector["name"];
            let input = |field: &str| vector["input"][field].as_str();
            let expected = |field: &str| vector["expected"][field].as_str().unwrap_or_default();
            let kind = input("kind").expect("kind");
            kinds.push(kind);
            let verdict = match kind {
                "access_token" => RsaVerifier::new().verdict(expected("timestamp"), expected("signature")),
                "digital" => {
                    let signed = Signed {
                        method: input("method").expect("method"),
                        path: input("path").expect("path"),
                        query: input("query").filter(|query| !query.is_empty()),
                        prefix: "klikoo",
                        host: None,
                        token: input("token").expect("token"),
                        other_tokens: Vec::new(),
                        body: expected("body_minified").as_bytes(),
                        timestamp: expected("timestamp"),
                    };
                    let verdict = signed.verdict(expected("signature"));
                    let with_query = vector["input"]["sign_query"] == true;
                    let path = if with_query { "path with query" } else { "path without query" };
                    assert!(verdict.variant.as_ref().is_some_and(|variant| variant.contains(path)), "{name}");
                    verdict
                }
                _ => {
                    let sorted = json::sorted(input("body_source").expect("body")).expect("JSON");
                    assert_eq!(sorted, expected("body_minified"), "{name}");
                    assert_eq!(hex(&sha256(sorted.as_bytes())), expected("body_sha256_hex"), "{name}");
                    continue;
                }
            };
            assert!(verdict.accepted, "{name}: {verdict:?}");
        }
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds, ["access_token", "body_hash", "digital"]);
    }
}
