//! The checks of the headers, the token and the body, in the documented order.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use crate::crypto::{base64, base64url, from_base64, hex, hmac_sha256, redacted, same};
use crate::json::{compact, members, pretty, sorted};
use crate::provider::Request;
use crate::requests::Verdict;

/// What a partner signs with.
pub(super) struct Credentials {
    pub api_key: &'static str,
    /// A key of the same account whose requests may come without a token.
    pub api_key_body_only: &'static str,
    pub api_secret: &'static str,
}

/// The members of a payload, by their names in lower case.
#[derive(Debug, PartialEq)]
pub(super) struct Claims(BTreeMap<String, Value>);

impl Claims {
    /// None unless it is an object in which no name stands twice, in whatever case.
    fn parse(json: &[u8]) -> Option<Self> {
        let mut claims = BTreeMap::new();
        for (name, value) in members(std::str::from_utf8(json).ok()?)? {
            if claims.insert(name.to_lowercase(), serde_json::from_str(&value).ok()?).is_some() {
                return None;
            }
        }
        Some(Self(claims))
    }

    /// A member; null counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(&name.to_lowercase()).filter(|value| !value.is_null())
    }

    /// A string that is not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// An integer.
    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_i64()
    }

    /// An array of strings; empty if it is absent, none if it is anything else.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<String>> {
        let Some(value) = self.get(name) else { return Some(Vec::new()) };
        value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
    }
}

/// A token that passed.
#[derive(Debug)]
pub(super) struct Token {
    pub payload: Vec<u8>,
    pub alphabet: &'static str,
}

/// Takes a request apart: its payload if it passes, else what is wrong with it.
pub(super) fn check(request: &Request, credentials: &Credentials) -> Result<(Claims, Verdict), Verdict> {
    let key = match request.header("key") {
        Some(key) if [credentials.api_key, credentials.api_key_body_only].contains(&key) => key,
        Some(_) => return Err(Verdict::refused("key", "the header KEY holds no known API key")),
        None => return Err(Verdict::refused("key", "the header KEY is missing")),
    };
    match request.header("version") {
        Some("2.0") => {}
        Some(_) => return Err(Verdict::refused("version", "the header VERSION must be exactly 2.0")),
        None => return Err(Verdict::refused("version", "the header VERSION is missing; it must be 2.0")),
    }
    let (claims, variant) = match request.header("token") {
        None if key == credentials.api_key_body_only => {
            let claims = Claims::parse(&request.body).ok_or_else(|| {
                Verdict::refused("body", "without a token the body must be the payload, a JSON object")
            })?;
            (claims, "body only".to_owned())
        }
        None => return Err(Verdict::refused("token", "the header TOKEN is missing")),
        Some(text) => {
            let token =
                verify(text, credentials.api_secret.as_bytes()).map_err(|flaw| explain(flaw, text, credentials))?;
            let claims = Claims::parse(&token.payload).ok_or_else(|| {
                Verdict::refused(
                    "token",
                    "the claims must be a JSON object in which no name stands twice, in whatever case",
                )
            })?;
            (claims, format!("token in the {} alphabet", token.alphabet))
        }
    };
    if claims.text("partnerId") != Some(key) {
        return Err(Verdict::refused("key", "the claim partnerId must equal the header KEY"));
    }
    let body = request.body.trim_ascii();
    if body.is_empty() || body == b"{}" {
        return Ok((claims, Verdict::accepted(format!("{variant}, body empty"))));
    }
    if Claims::parse(body).as_ref() != Some(&claims) {
        return Err(Verdict::refused(
            "body",
            "the body must be empty, {}, or the same JSON as the claims of the token",
        ));
    }
    Ok((claims, Verdict::accepted(variant)))
}

/// What is wrong with a token.
#[derive(Debug)]
pub(super) struct Flaw(&'static str);

/// Checks form, header and signature.
pub(super) fn verify(token: &str, secret: &[u8]) -> Result<Token, Flaw> {
    let [header, payload, signature] = segments(token).ok_or(Flaw("it must have three segments with a dot between"))?;
    let unreadable = Flaw("each segment must be base64, in the URL or the standard alphabet");
    let (Some(head), Some(claims), Some(mac)) = (decode(header), decode(payload), decode(signature)) else {
        return Err(unreadable);
    };
    let head: serde_json::Map<String, Value> =
        serde_json::from_slice(&head).map_err(|_| Flaw("its header must be a JSON object"))?;
    if head.get("alg").and_then(Value::as_str) != Some("HS256") {
        return Err(Flaw("its header must name the algorithm HS256"));
    }
    if !same(&hmac_sha256(secret, signed_part(token).as_bytes()), &mac) {
        return Err(Flaw("its signature does not fit"));
    }
    let alphabet = if token.contains(['+', '/']) { "standard" } else { "URL" };
    Ok(Token { payload: claims, alphabet })
}

fn segments(token: &str) -> Option<[&str; 3]> {
    token.split('.').collect::<Vec<_>>().try_into().ok()
}

/// What the signature is made over.
fn signed_part(token: &str) -> &str {
    token.rsplit_once('.').map_or(token, |(signed, _)| signed)
}

/// Either alphabet, also mixed within a segment, as a partner's hand-made replacement leaves it; padding or none.
fn decode(segment: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let standard = segment.replace('-', "+").replace('_', "/");
    GeneralPurpose::new(&alphabet::STANDARD, config).decode(standard).ok()
}

/// Tries the usual slips, so that the verdict can say more than that the token is wrong.
fn explain(Flaw(flaw): Flaw, token: &str, credentials: &Credentials) -> Verdict {
    let secret = credentials.api_secret;
    if token.split_once(' ').is_some_and(|(_, rest)| verify(rest, secret.as_bytes()).is_ok()) {
        return Verdict::refused("token", "TOKEN must be the token alone, without a scheme word");
    }
    let Some([header, payload, signature]) = segments(token) else {
        return Verdict::refused("token", format!("TOKEN: {flaw}"));
    };
    let keys = [
        ("the secret in base64", base64(secret.as_bytes()).into_bytes()),
        ("the secret in hexadecimal", hex(secret.as_bytes()).into_bytes()),
        ("the secret decoded from base64", from_base64(secret).unwrap_or_default()),
        ("the API key instead of the secret", credentials.api_key.into()),
        ("the body-only API key instead of the secret", credentials.api_key_body_only.into()),
        ("an empty secret", Vec::new()),
    ];
    if let Some((slip, _)) = keys.iter().find(|(_, key)| verify(token, key).is_ok()) {
        return Verdict::refused("key", format!("TOKEN is signed with {slip}"));
    }
    let claims = decode(payload).and_then(|claims| String::from_utf8(claims).ok()).unwrap_or_default();
    let head = decode(header).and_then(|head| String::from_utf8(head).ok()).unwrap_or_default();
    let mac = decode(signature).unwrap_or_default();
    let fits = |signed: &str| {
        let expected = hmac_sha256(secret.as_bytes(), signed.as_bytes());
        same(&expected, &mac) || same(hex(&expected).as_bytes(), &mac) || hex(&expected).eq_ignore_ascii_case(signature)
    };
    let other = |claims: &str| format!("{header}.{}", base64url(claims.as_bytes()));
    let compact = compact(&claims);
    let bodies = [
        ("the claims pretty-printed", other(&pretty(&compact, "  "))),
        ("the claims pretty-printed with four blanks", other(&pretty(&compact, "    "))),
        ("the claims without whitespace", other(&compact)),
        ("the claims in another member order", other(&sorted(&claims).unwrap_or_default())),
        ("empty claims", other("")),
        ("the empty object", other("{}")),
    ];
    if fits(signed_part(token)) {
        return Verdict::refused("token", "TOKEN: its signature is in hexadecimal; it must be base64 of the bytes");
    }
    if let Some((slip, _)) = bodies.iter().find(|(_, signed)| fits(signed)) {
        return Verdict::refused(
            "body",
            format!("TOKEN: its signature is made over {slip}, not over the segments as sent"),
        );
    }
    let forms = [
        ("the claims segment alone", payload.to_owned()),
        ("the claims before encoding", claims.clone()),
        ("header and claims before encoding", format!("{head}.{claims}")),
    ];
    if let Some((slip, _)) = forms.iter().find(|(_, signed)| fits(signed)) {
        return Verdict::refused(
            "token",
            format!("TOKEN: its signature is made over {slip}; it must be over both segments as sent"),
        );
    }
    let shown = [credentials.api_key_body_only, credentials.api_key, secret]
        .iter()
        .fold(claims, |text, secret| text.replace(secret, &redacted(secret)));
    Verdict::refused(
        "token",
        format!(
            "TOKEN: {flaw}. Signed is HMAC-SHA256 over base64url(header) `.` base64url(claims), here of {head} and {shown}"
        ),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde::Deserialize;

    use super::*;
    use crate::crypto::jwt_hs256;

    #[derive(Deserialize)]
    struct Vectors {
        vectors: Vec<Vector>,
    }

    #[derive(Deserialize)]
    struct Vector {
        name: String,
        input: Input,
        expected: Expected,
    }

    #[derive(Deserialize)]
    struct Input {
        api_secret: String,
        alphabet: String,
        payload_source: String,
    }

    #[derive(Deserialize)]
    struct Expected {
        payload_minified: String,
        payload_segment: String,
        signing_input: String,
        hmac_sha256_hex: String,
        token: String,
    }

    #[test]
    fn vectors_pass_the_verifier() {
        let text = include_str!("../../../../tests/fixtures/biller-v2/signatures.json");
        let Vectors { vectors } = serde_json::from_str(text).unwrap();
        assert_eq!(vectors.len(), 9);
        for Vector { name, input, expected } in vectors {
            let token = verify(&expected.token, input.api_secret.as_bytes()).unwrap();
            assert_eq!(token.payload, expected.payload_minified.as_bytes(), "{name}");
            assert_eq!(token.alphabet, if input.alphabet == "url" { "URL" } else { "standard" }, "{name}");
            assert_eq!(crate::json::compact(&input.payload_source), expected.payload_minified, "{name}");
            assert_eq!(base64url(expected.payload_minified.as_bytes()), expected.payload_segment, "{name}");
            assert_eq!(signed_part(&expected.token), expected.signing_input, "{name}");
            let mac = hmac_sha256(input.api_secret.as_bytes(), expected.signing_input.as_bytes());
            assert_eq!(hex(&mac), expected.hmac_sha256_hex, "{name}");
            assert!(verify(&expected.token, b"another secret").is_err(), "{name}");
        }
    }

    #[test]
    fn segments_decode_in_any_alphabet_with_or_without_padding() {
        let bytes = [0xfb, 0xff, 0xfe, 0xfb, 0xef, 0xfe, 0xff];
        for segment in ["-__---_-_w", "+//+++/+/w", "+//+++/+/w==", "-//+++_-/w=="] {
            assert_eq!(decode(segment).as_deref(), Some(bytes.as_slice()), "{segment}");
        }
        assert_eq!(decode("****"), None);
    }

    #[test]
    fn claims_are_matched_without_regard_to_case() {
        let claims = Claims::parse(br#"{"PartnerID":"p","AMOUNT":5,"zoneId":null}"#).unwrap();
        assert_eq!((claims.text("partnerId"), claims.integer("amount")), (Some("p"), Some(5)));
        assert_eq!(claims.get("zoneId"), None);
        for refused in [r#"{"a":1,"A":1}"#, r#"{"a":1,"a":1}"#, "[]", "null", "5", "", "{"] {
            assert_eq!(Claims::parse(refused.as_bytes()), None, "{refused}");
        }
    }

    #[test]
    fn other_algorithms_are_refused() {
        let sign = |header: &str| {
            let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(b"{}"));
            format!("{signed}.{}", base64url(&hmac_sha256(b"s", signed.as_bytes())))
        };
        assert!(verify(&sign(r#"{"typ":"JWT", "alg":"HS256"}"#), b"s").is_ok());
        for header in [r#"{"alg":"none"}"#, r#"{"alg":"HS512"}"#, r#"{"alg":"hs256"}"#, r#"{"typ":"JWT"}"#, "[]"] {
            assert!(verify(&sign(header), b"s").is_err(), "{header}");
        }
    }

    #[test]
    fn slips_are_named() {
        let credentials =
            Credentials { api_key: "the-key", api_key_body_only: "the-other-key", api_secret: "c2VjcmV0LWtleQ==" };
        let part =
            |token: &str| explain(verify(token, credentials.api_secret.as_bytes()).unwrap_err(), token, &credentials);
        let claims = br#"{"partnerId":"the-key"}"#;
        let good = jwt_hs256(claims, credentials.api_secret.as_bytes());
        assert_eq!(part(&format!("Bearer {good}")).part, Some("token"));
        assert_eq!(part("a.b").part, Some("token"));
        for key in [&b"the-key"[..], b"the-other-key", b"secret-key", b"YzJWamNtVjBMV3RsZVE9PQ==", b""] {
            assert_eq!(part(&jwt_hs256(claims, key)).part, Some("key"));
        }
        let header = good.split('.').next().unwrap();
        let over = |signed: &str, sent: &[u8]| {
            let mac = hmac_sha256(credentials.api_secret.as_bytes(), signed.as_bytes());
            format!("{header}.{}.{}", base64url(sent), base64url(&mac))
        };
        let pretty = format!("{header}.{}", base64url(b"{\n  \"partnerId\": \"the-key\"\n}"));
        assert_eq!(part(&over(&pretty, claims)).part, Some("body"));
        assert_eq!(part(&over(&format!("{header}."), claims)).part, Some("body"));
        assert_eq!(part(&over(std::str::from_utf8(claims).unwrap(), claims)).part, Some("token"));
        let wrong = part(&jwt_hs256(claims, b"wrong"));
        assert_eq!(wrong.part, Some("token"));
        let explanation = wrong.explanation.unwrap();
        assert!(explanation.contains(r#"{"partnerId":"the-…"}"#), "{explanation}");
    }
}
