use std::sync::Arc;
use std::time::Duration;

use biller_core::signing::{hex, sha256};
use biller_core::{Secret, Timestamp};
use pln_prepaid::auth::{SelfSigned, Signer, Token};
use pln_prepaid::{AuthorizationScheme, Config, SignatureForm};
use serde_json::Value;

const VECTORS: &str = include_str!("../fixtures/pln-prepaid/signatures.json");

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// Whitespace outside strings dropped, the order of the members kept.
fn minified(text: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    text.chars()
        .filter(|letter| {
            let keep = in_string || !letter.is_ascii_whitespace();
            in_string ^= *letter == '"' && !escaped;
            escaped = in_string && !escaped && *letter == '\\';
            keep
        })
        .collect()
}

#[test]
fn every_vector_comes_out_in_every_step() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = vectors["vectors"].as_array().unwrap();
    for vector in vectors {
        let (name, input, expected) = (text(vector, "name"), &vector["input"], &vector["expected"]);
        let now = Timestamp::from_unix_millis(input["unix_ms"].as_i64().unwrap());
        let (config_token, token) = match input["supplied_token"].as_str() {
            Some(supplied) => (Token::supplied(Secret::new(supplied)), Secret::new(supplied)),
            None => {
                let claims = &input["claims"];
                let id = |name: &str| claims[name].as_i64().unwrap();
                let lifetime = input["jwt_lifetime_s"].as_u64().map(Duration::from_secs);
                let mut token = SelfSigned::new(
                    id("merchantID"),
                    id("merchantOutletID"),
                    text(claims, "merchantOutletUsername"),
                    text(input, "jwt_secret"),
                )
                .with_lifetime(lifetime);
                if let Some(device) = claims["merchantOutletDeviceID"].as_str() {
                    token = token.with_device_id(device);
                }
                let signed = token.sign(now).unwrap();
                assert_eq!(signed.expose(), text(&expected["jwt"], "token"), "{name}");
                (token.into(), signed)
            }
        };
        let scheme = match text(input, "authorization_scheme") {
            "Bearer" => AuthorizationScheme::Bearer,
            "Basic" => AuthorizationScheme::Basic,
            other => panic!("{name}: unknown scheme {other}"),
        };
        let config = Config::new("https://host.example", text(input, "api_secret"), config_token)
            .unwrap()
            .with_version(text(input, "version"))
            .unwrap()
            .with_signed_path(text(input, "signed_path_template"))
            .unwrap()
            .with_authorization_scheme(scheme);
        let operation = text(input, "operation");
        let body = minified(text(input, "body_source"));
        assert_eq!(body, text(expected, "body_minified"), "{name}");
        assert_eq!(hex(&sha256(body.as_bytes())), text(expected, "body_sha256_hex"), "{name}");
        assert_eq!(now.to_wib_seconds(), text(expected, "timestamp"), "{name}");
        for (form, key) in [
            (SignatureForm::Sha512Base64, "sha512_base64"),
            (SignatureForm::Sha512Hex, "sha512_hex"),
            (SignatureForm::Sha256Hex, "sha256_hex"),
        ] {
            let signer = Signer::new(Arc::new(config.clone().with_signature_form(form)), token.clone());
            assert_eq!(signer.signed_path(operation), text(expected, "signed_path"), "{name}");
            let signed = signer.string_to_sign(operation, body.as_bytes(), &now.to_wib_seconds());
            assert_eq!(signed.expose(), text(expected, "string_to_sign"), "{name}");
            assert_eq!(signer.signature(&signed), text(&expected["signature"], key), "{name}");
            assert_eq!(signer.authorization(), text(expected, "authorization"), "{name}");
        }
    }
    assert_eq!(vectors.len(), 10);
}
