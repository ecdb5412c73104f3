//! Who is calling: tokens, and the two signatures.

use std::time::Duration;

use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::clock::{later, parse_rfc3339, rfc3339_wib};
use crate::crypto::{base64, from_base64, hex, hmac_sha256, hmac_sha512, jwt_hs256, redacted, same, sha256};
use crate::json;
use crate::provider::Request;
use crate::requests::Verdict;

pub(super) const CLIENT_ID: &str = "3c0de7b2-1f5a-4d43-9d0c-6f2b8a4e7c10";
pub(super) const CLIENT_SECRET: &str = "test0client1secret2test3client45";
/// A key made for tests; it belongs to no account.
pub(super) const PRIVATE_KEY_PEM: &str = include_str!("test_key.pem");

/// How long a token is valid, in seconds.
pub(super) const TOKEN_LIFE: u64 = 900;
/// How far a timestamp may be away from the server's clock.
const MAX_SKEW: SignedDuration = SignedDuration::from_secs(300);

/// Larger bodies are not searched for slips.
const EXPLAINED: usize = 16 << 10;
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

/// Whether a timestamp header is usable and near enough.
pub(super) fn timely(text: &str, now: Timestamp) -> bool {
    parse_rfc3339(text).is_some_and(|at| now.duration_since(at).abs() <= MAX_SKEW)
}

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
            for form in timestamp_slips(timestamp) {
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
        for (label, bytes) in other_encodings(signature) {
            if self.fits(&expected, &bytes) {
                return Verdict::refused("signature", format!("{label}; {signed}"));
            }
        }
        Verdict::refused("signature", format!("no usual slip explains it; {signed}"))
    }
}

/// One text that could stand in one place of the string to sign.
struct Form {
    label: String,
    text: String,
}

fn form(label: impl Into<String>, text: impl Into<String>) -> Form {
    Form { label: label.into(), text: text.into() }
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

/// The places of the string to sign, in order.
const PARTS: [&str; 5] = ["method", "path", "token", "body", "timestamp"];

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
        if let Some(found) = find(accepted.each_ref().map(Vec::as_slice), secret, &bytes) {
            return Verdict::accepted(format!("{}, {}, {}", found[0].label, found[1].label, found[3].label));
        }
        for (place, slips) in self.slips().iter().enumerate() {
            let mut forms = accepted.each_ref().map(Vec::as_slice);
            forms[place] = slips;
            if let Some(found) = find(forms, secret, &bytes) {
                return self.refused(PARTS[place], &found[place].label);
            }
        }
        for (label, key) in self.other_keys() {
            if find(accepted.each_ref().map(Vec::as_slice), &key, &bytes).is_some() {
                return self.refused("key", label);
            }
        }
        // Many guesses: only with the usual form of everything else.
        let usual = accepted.each_ref().map(|forms| &forms[..1]);
        for (place, guesses) in [(3, self.member_orders()), (4, nearby(self.timestamp))] {
            let mut forms = usual;
            forms[place] = &guesses;
            if let Some(found) = find(forms, secret, &bytes) {
                return self.refused(PARTS[place], &found[place].label);
            }
        }
        self.unexplained(&accepted, signature)
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
        let forms = || accepted.each_ref().map(Vec::as_slice);
        for (label, bytes) in other_encodings(signature) {
            if find(forms(), CLIENT_SECRET.as_bytes(), &bytes).is_some() {
                return self.refused("signature", label);
            }
        }
        if let Some(bytes) = from_base64(signature).filter(|bytes| bytes.len() == 32) {
            let texts = forms().map(|forms| forms[0].text.as_str());
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
        [self.method_slips(), self.path_slips(), self.token_slips(), self.body_slips(), timestamp_slips(self.timestamp)]
    }

    fn method_slips(&self) -> Vec<Form> {
        let mut title = self.method.to_ascii_lowercase();
        title.get_mut(..1).map(str::make_ascii_uppercase);
        let mut slips = vec![form("the method is in another case", title), form("the method is empty", "")];
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if !method.eq_ignore_ascii_case(self.method) {
                slips.push(form(format!("signed for method {method}"), method));
                slips.push(form(format!("signed for method {method}"), method.to_ascii_lowercase()));
            }
        }
        slips
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

    fn token_slips(&self) -> Vec<Form> {
        let token = self.token;
        let mut slips = vec![form("the token is empty", "")];
        for word in ["Bearer ", "bearer ", "BEARER "] {
            slips.push(form("the token holds its scheme word", format!("{word}{token}")));
        }
        let earlier = self.other_tokens.iter().take(50);
        slips.extend(earlier.map(|other| form("signed with another token than the one sent", *other)));
        slips
    }

    fn body_slips(&self) -> Vec<Form> {
        let texts = if self.body.len() <= EXPLAINED { self.body_texts() } else { Vec::new() };
        let hash = |text: &str| hex(&sha256(text.as_bytes()));
        let mut slips = vec![
            form("the body is not hashed, or left out", ""),
            form("signed for an empty body", hash("")),
            form("signed for the body {}", hash("{}")),
            form("signed for the body null", hash("null")),
        ];
        for (label, text) in &texts {
            let digest = sha256(text.as_bytes());
            slips.push(form(format!("the {label} is not hashed"), text));
            slips.push(form("the hash is in upper case", hex(&digest).to_ascii_uppercase()));
            slips.push(form("the hash is in base64", base64(&digest)));
            if !text.is_empty() {
                for indent in ["  ", "    ", "\t"] {
                    let pretty = json::pretty(&json::compact(text), indent);
                    slips.push(form("signed for the body in pretty print", hash(&pretty)));
                    slips.push(form("signed for the body in pretty print", hash(&format!("{pretty}\n"))));
                }
                slips.push(form("signed for the body with a line end", hash(&format!("{text}\n"))));
            }
        }
        slips
    }

    /// The body with its members in every other order, where there are few enough.
    fn member_orders(&self) -> Vec<Form> {
        let body = std::str::from_utf8(self.body).ok().filter(|body| body.len() <= EXPLAINED);
        let members = body.and_then(json::members).unwrap_or_default();
        if !(2..=6).contains(&members.len()) {
            return Vec::new();
        }
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!("{}:{}", json!(name), json::compact(value))).collect();
        let mut orders = Vec::new();
        permute(&mut members.clone(), 0, &mut |order: &[String]| {
            let text = format!("{{{}}}", order.join(","));
            orders.push(form("signed for the body in another member order", hex(&sha256(text.as_bytes()))));
        });
        orders
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

/// The first combination of forms, one for each place, whose HMAC is the signature.
fn find<'f>(forms: [&'f [Form]; 5], key: &[u8], signature: &[u8]) -> Option<[&'f Form; 5]> {
    let [methods, paths, tokens, bodies, timestamps] = forms;
    for method in methods {
        for path in paths {
            for token in tokens {
                for body in bodies {
                    for timestamp in timestamps {
                        let found = [method, path, token, body, timestamp];
                        let text = found.map(|form| form.text.as_str()).join(":");
                        if same(&hmac_sha512(key, text.as_bytes()), signature) {
                            return Some(found);
                        }
                    }
                }
            }
        }
    }
    None
}

fn timestamp_slips(timestamp: &str) -> Vec<Form> {
    let mut slips = vec![form("the timestamp is empty", "")];
    let Some(at) = parse_rfc3339(timestamp) else { return slips };
    let millis = rfc3339_wib(at);
    let seconds = millis.replacen(&millis[19..23], "", 1);
    let utc = format!("{at:.3}");
    let utc_seconds = format!("{}Z", &utc[..19]);
    slips.extend([
        form("the timestamp has no milliseconds", seconds),
        form("the timestamp has milliseconds", millis),
        form("the timestamp is in UTC", utc.replace('Z', "+00:00")),
        form("the timestamp is in UTC", utc_seconds.replace('Z', "+00:00")),
        form("the timestamp is in UTC", utc),
        form("the timestamp is in UTC", utc_seconds),
        form("the timestamp is a Unix time", at.as_second().to_string()),
        form("the timestamp is a Unix time", at.as_millisecond().to_string()),
    ]);
    slips.retain(|slip| slip.text != timestamp);
    slips
}

/// Times that a client may have read from its clock shortly before or after the one in the header.
fn nearby(timestamp: &str) -> Vec<Form> {
    let Some(at) = parse_rfc3339(timestamp) else { return Vec::new() };
    let millis = (-1000..=1000).map(SignedDuration::from_millis);
    let seconds = (-300..=300).map(SignedDuration::from_secs);
    let label = "signed for another time than the header's";
    millis
        .chain(seconds)
        .filter_map(|by| at.checked_add(by).ok())
        .flat_map(|at| {
            let millis = rfc3339_wib(at);
            let seconds = millis.replacen(&millis[19..23], "", 1);
            [form(label, millis), form(label, seconds)]
        })
        .collect()
}

fn other_encodings(signature: &str) -> Vec<(&'static str, Vec<u8>)> {
    let hexadecimal = || {
        let digits: Option<Vec<u8>> = signature.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
        digits
            .filter(|digits| digits.len() % 2 == 0)
            .map(|digits| digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
    };
    let candidates = [
        ("the signature is in hexadecimal in place of base64", hexadecimal()),
        ("the signature is in URL-safe base64", URL_SAFE.decode(signature).ok()),
        ("the signature is in URL-safe base64 without padding", URL_SAFE_NO_PAD.decode(signature).ok()),
        ("the signature is in base64 without padding", STANDARD_NO_PAD.decode(signature).ok()),
        ("the signature has blanks around it", STANDARD.decode(signature.trim()).ok()),
    ];
    candidates.into_iter().filter_map(|(label, bytes)| Some((label, bytes?))).collect()
}

/// Shows every order of `items` from `from` on.
fn permute(items: &mut Vec<String>, from: usize, show: &mut impl FnMut(&[String])) {
    if from + 1 >= items.len() {
        show(items);
        return;
    }
    for i in from..items.len() {
        items.swap(from, i);
        permute(items, from + 1, show);
        items.swap(from, i);
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
