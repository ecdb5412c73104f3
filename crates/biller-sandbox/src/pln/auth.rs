//! Who is calling: the token that clients sign themselves, and the signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::crypto::{base64, base64url, hex, hmac_sha256, hmac_sha512, redacted, same, sha256};
use crate::json;
use crate::provider::Request;
use crate::requests::Verdict;
use crate::slips::{self, BODY, Form, PATH, TIMESTAMP, form};

pub(super) const VERSION: &str = "v2.0";
/// The last segments of the paths.
pub(super) const OPERATIONS: [&str; 3] = ["inquiry", "payment", "advice"];

/// What a partner holds.
pub(super) struct Account {
    pub jwt_secret: String,
    pub api_secret: String,
    /// What a token has to claim; `merchantOutletDeviceID` may be left out.
    pub claims: Map<String, Value>,
}

pub(super) enum TokenState {
    Valid,
    Expired,
    Wrong(&'static str),
}

impl Account {
    pub(super) fn sandbox() -> Self {
        let claims = [
            ("merchantID", json!(5)),
            ("merchantOutletID", json!(896)),
            ("merchantOutletUsername", json!("00112233445566778899aabbccddeeff")),
            ("merchantOutletDeviceID", json!("SANDBOX DEVICE")),
        ];
        Self {
            jwt_secret: "sandbox-jwt-secret".to_owned(),
            api_secret: "sandbox-api-secret".to_owned(),
            claims: claims.map(|(name, value)| (name.to_owned(), value)).into_iter().collect(),
        }
    }

    pub(super) fn credentials(&self) -> Value {
        json!({
            "merchant_id": self.claims.get("merchantID"),
            "merchant_outlet_id": self.claims.get("merchantOutletID"),
            "merchant_outlet_username": self.claims.get("merchantOutletUsername"),
            "merchant_outlet_device_id": self.claims.get("merchantOutletDeviceID"),
            "jwt_secret": self.jwt_secret,
            "api_secret": self.api_secret,
            "version": VERSION,
        })
    }

    /// Checks a token: shape, signature over the received bytes, claims, expiry.
    pub(super) fn token_state(&self, token: &str, now: Timestamp) -> TokenState {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            return TokenState::Wrong("no token of three parts in `Authorization: Bearer` or `Basic`");
        };
        let object = |part: &str| -> Option<Map<String, Value>> {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
        };
        if object(header).is_none_or(|header| header.get("alg") != Some(&json!("HS256"))) {
            return TokenState::Wrong("the token's header does not say alg HS256");
        }
        let expected = hmac_sha256(self.jwt_secret.as_bytes(), format!("{header}.{payload}").as_bytes());
        if !URL_SAFE_NO_PAD.decode(signature).is_ok_and(|signature| same(&signature, &expected)) {
            return TokenState::Wrong("the token's signature is not the HMAC-SHA256 with the JWT secret");
        }
        let claims = object(payload).unwrap_or_default();
        let fits = |(name, expected): (&String, &Value)| match claims.get(name) {
            None => name == "merchantOutletDeviceID",
            Some(claimed) => claimed == expected,
        };
        if !self.claims.iter().all(fits) {
            return TokenState::Wrong("the token's claims are not the account's");
        }
        match claims.get("exp").map(Value::as_i64) {
            None => TokenState::Valid,
            Some(Some(exp)) if now.as_second() <= exp => TokenState::Valid,
            Some(Some(_)) => TokenState::Expired,
            Some(None) => TokenState::Wrong("the token's exp is no whole number"),
        }
    }
}

/// A request as far as its signature covers it.
pub(super) struct Signed<'a> {
    pub account: &'a Account,
    pub method: &'a str,
    pub version: &'a str,
    pub operation: &'a str,
    /// The deployment prefix, between the host and the version.
    pub prefix: &'a str,
    pub host: Option<&'a str>,
    pub token: &'a str,
    /// Tokens that a client may still hold.
    pub other_tokens: Vec<&'a str>,
    pub body: &'a [u8],
    pub timestamp: &'a str,
}

impl<'a> Signed<'a> {
    pub(super) fn of(
        request: &'a Request,
        account: &'a Account,
        operation: &'a str,
        token: &'a str,
        other_tokens: Vec<&'a str>,
        timestamp: &'a str,
    ) -> Self {
        Self {
            account,
            method: request.method.as_str(),
            version: VERSION,
            operation,
            prefix: &request.prefix,
            host: request.header("host"),
            token,
            other_tokens,
            body: &request.body,
            timestamp,
        }
    }

    /// Accepted are three encodings, three paths, and the body as received or without whitespace.
    pub(super) fn verdict(&self, signature: &str) -> Verdict {
        let accepted = self.accepted();
        let key = self.account.api_secret.as_bytes();
        let Some((encoding, encode)) = encoding(signature) else { return self.unexplained(&accepted, signature) };
        let fits = |key: &[u8], text: &str| same(encode(key, text).as_bytes(), signature.as_bytes());
        let forms = accepted.each_ref().map(Vec::as_slice);
        if let Some(found) = slips::find(forms, &|text| fits(key, text)) {
            return Verdict::accepted(format!("{encoding}, {}, {}", found[PATH].label, found[BODY].label));
        }
        let guesses = [(BODY, slips::member_orders(self.body)), (TIMESTAMP, slips::nearby(self.timestamp))];
        match slips::explain(&accepted, &self.slips(), key, &self.other_keys(), &guesses, &fits) {
            Some((part, label)) => self.refused(part, &label),
            None => self.unexplained(&accepted, signature),
        }
    }

    fn refused(&self, part: &'static str, label: &str) -> Verdict {
        let Self { method, version, operation, token, timestamp, account, .. } = self;
        let (token, hash, key) = (redacted(token), hex(&sha256(self.body)), redacted(&account.api_secret));
        let signed = format!("{method}:/{version}/{operation}:{token}:{hash}:{timestamp}");
        Verdict::refused(part, format!("{label}; the server signed `{signed}` with {key}"))
    }

    /// Right contents in another dress, or nothing known.
    fn unexplained(&self, accepted: &[Vec<Form>; 5], signature: &str) -> Verdict {
        if signature.is_empty() {
            return self.refused("signature", "there is no X-SIGNATURE");
        }
        let key = self.account.api_secret.as_bytes();
        let forms = accepted.each_ref().map(Vec::as_slice);
        let dresses: [(&str, Encode); 6] = [
            ("the digits are in upper case", |key, text| sha512_hex(key, text).to_uppercase()),
            ("the digits are in upper case", |key, text| sha256_hex(key, text).to_uppercase()),
            ("made with SHA-256 and written in base64", |key, text| base64(&hmac_sha256(key, text.as_bytes()))),
            ("the signature is in URL-safe base64", |key, text| base64url(&hmac_sha512(key, text.as_bytes()))),
            ("the signature is in base64 without padding", |key, text| {
                sha512_base64(key, text).trim_end_matches('=').to_owned()
            }),
            ("the signature is in base64 of its digits", |key, text| base64(sha512_hex(key, text).as_bytes())),
        ];
        for (label, encode) in dresses {
            if slips::find(forms, &|text| same(encode(key, text).as_bytes(), signature.as_bytes())).is_some() {
                return self.refused("signature", label);
            }
        }
        self.refused("signature", "no usual slip explains it")
    }

    fn body_texts(&self) -> Vec<(&'static str, String)> {
        let Ok(text) = std::str::from_utf8(self.body) else { return Vec::new() };
        let compact = json::compact(text);
        let minified = (compact != text).then_some(("minified body", compact));
        [("body as received", text.to_owned())].into_iter().chain(minified).collect()
    }

    /// Everything that the server accepts, the usual form first.
    fn accepted(&self) -> [Vec<Form>; 5] {
        let mut body: Vec<_> =
            self.body_texts().into_iter().map(|(label, text)| form(label, hex(&sha256(text.as_bytes())))).collect();
        if body.is_empty() {
            body.push(form("body as received", hex(&sha256(self.body))));
        }
        [
            vec![form("method", self.method)],
            self.paths(self.operation),
            vec![form("token", self.token)],
            body,
            vec![form("timestamp", self.timestamp)],
        ]
    }

    fn paths(&self, operation: &str) -> Vec<Form> {
        let Self { version, prefix, .. } = self;
        vec![
            form("/{version}/{operation}", format!("/{version}/{operation}")),
            form("/{operation}", format!("/{operation}")),
            form(format!("/{prefix}/{{version}}/{{operation}}"), format!("/{prefix}/{version}/{operation}")),
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
        let Self { version, operation, prefix, .. } = self;
        let mut slips = vec![
            form("the path is empty", ""),
            form("the path holds another deployment prefix", format!("/api/mybillsv2/{version}/{operation}")),
            form("the path holds the prefix and lacks the version", format!("/{prefix}/{operation}")),
        ];
        for Form { text: path, .. } in self.paths(operation) {
            let hosts = self
                .host
                .into_iter()
                .flat_map(|host| ["", "http://", "https://"].map(|scheme| format!("{scheme}{host}")));
            slips.extend(hosts.map(|host| form("the path holds the host", format!("{host}{path}"))));
            slips.push(form("the path holds the query", format!("{path}?")));
            slips.push(form("the path lacks its first slash", path.trim_start_matches('/')));
            slips.push(form("the path has a slash too many at its end", format!("{path}/")));
            slips.push(form("the path is in another case", path.to_uppercase()));
        }
        for other in OPERATIONS.iter().filter(|other| *other != operation) {
            slips.extend(
                self.paths(other).into_iter().map(|path| form(format!("signed for the operation {other}"), path.text)),
            );
        }
        slips
    }

    fn other_keys(&self) -> Vec<(&'static str, Vec<u8>)> {
        let Account { jwt_secret, api_secret, claims } = self.account;
        let claim = |name: &str| claims.get(name).map(|value| value.to_string().replace('"', "")).unwrap_or_default();
        vec![
            ("the key is the JWT secret", jwt_secret.clone().into_bytes()),
            ("the key is the API secret in base64", base64(api_secret.as_bytes()).into_bytes()),
            ("the key is the API secret in hexadecimal", hex(api_secret.as_bytes()).into_bytes()),
            ("the key is the outlet's user name", claim("merchantOutletUsername").into_bytes()),
            ("the key is the merchant id", claim("merchantID").into_bytes()),
            ("the key is the token", self.token.into()),
            ("the key is empty", Vec::new()),
            ("the key has a line end", format!("{api_secret}\n").into_bytes()),
        ]
    }
}

/// Makes a signature of a key and the string to sign.
type Encode = fn(&[u8], &str) -> String;

/// The accepted encoding of a signature, recognised by its length.
fn encoding(signature: &str) -> Option<(&'static str, Encode)> {
    Some(match signature.len() {
        88 => ("sha512-base64", sha512_base64),
        128 => ("sha512-hex", sha512_hex),
        64 => ("sha256-hex", sha256_hex),
        _ => return None,
    })
}

fn sha512_base64(key: &[u8], text: &str) -> String {
    base64(&hmac_sha512(key, text.as_bytes()))
}

fn sha512_hex(key: &[u8], text: &str) -> String {
    hex(&hmac_sha512(key, text.as_bytes()))
}

fn sha256_hex(key: &[u8], text: &str) -> String {
    hex(&hmac_sha256(key, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::jwt_hs256;

    const VECTORS: &str = include_str!("../../../../tests/fixtures/pln-prepaid/signatures.json");

    /// The sandbox's own verification, against vectors that were made without it.
    #[test]
    fn verifies_every_vector() {
        let vectors: Value = serde_json::from_str(VECTORS).expect("JSON");
        let vectors = vectors["vectors"].as_array().expect("array");
        for vector in vectors {
            let name = vector["name"].as_str().expect("name");
            let (input, expected) = (&vector["input"], &vector["expected"]);
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let authorization = text(&expected["authorization"]);
            let (scheme, token) = authorization.split_once(' ').expect("scheme and token");
            assert_eq!(scheme, input["authorization_scheme"], "{name}");
            let account = Account {
                jwt_secret: text(&input["jwt_secret"]),
                api_secret: text(&input["api_secret"]),
                claims: input["claims"].as_object().cloned().unwrap_or_default(),
            };
            let now = Timestamp::from_millisecond(input["unix_ms"].as_i64().expect("integer")).expect("in range");
            if expected["jwt"].is_null() {
                assert_eq!(token, input["supplied_token"], "{name}");
            } else {
                let payload = text(&expected["jwt"]["payload_json"]);
                assert_eq!(jwt_hs256(payload.as_bytes(), account.jwt_secret.as_bytes()), token, "{name}");
                assert!(matches!(account.token_state(token, now), TokenState::Valid), "{name}");
            }
            // A template's own prefix stands where the sandbox has its own.
            let template = input["signed_path_template"].as_str().expect("template");
            let prefix = template.strip_suffix("/{version}/{operation}").unwrap_or_default().trim_start_matches('/');
            let signed = Signed {
                account: &account,
                method: "POST",
                version: input["version"].as_str().expect("version"),
                operation: input["operation"].as_str().expect("operation"),
                prefix,
                host: None,
                token,
                other_tokens: Vec::new(),
                body: expected["body_minified"].as_str().unwrap_or_default().as_bytes(),
                timestamp: expected["timestamp"].as_str().expect("timestamp"),
            };
            for (form, label) in
                [("sha512_base64", "sha512-base64"), ("sha512_hex", "sha512-hex"), ("sha256_hex", "sha256-hex")]
            {
                let signature = expected["signature"][form].as_str().expect("signature");
                let verdict = signed.verdict(signature);
                let variant = format!("{label}, {template}, body as received");
                assert_eq!(verdict.variant.as_deref(), Some(variant.as_str()), "{name} {form}");
            }
            let source = Signed { body: input["body_source"].as_str().unwrap_or_default().as_bytes(), ..signed };
            assert!(source.verdict(&text(&expected["signature"]["sha512_base64"])).accepted, "{name}: body as written");
        }
        assert_eq!(vectors.len(), 10);
    }
}
