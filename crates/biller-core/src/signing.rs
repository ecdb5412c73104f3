//! The primitives that the providers sign with: HMAC, SHA-256, hexadecimal, base64 and HS256 tokens.
//!
//! Pure functions over bytes; which of them a provider wants, over what, stands in its own `auth` module.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{self, HMAC_SHA256, HMAC_SHA512};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::Secret;

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// HMAC-SHA256 keyed with the UTF-8 bytes of `key`.
pub fn hmac_sha256(key: &Secret, message: &[u8]) -> [u8; 32] {
    let mut tag = [0; 32];
    tag.copy_from_slice(hmac(HMAC_SHA256, key, message).as_ref());
    tag
}

/// HMAC-SHA512 keyed with the UTF-8 bytes of `key`.
pub fn hmac_sha512(key: &Secret, message: &[u8]) -> [u8; 64] {
    let mut tag = [0; 64];
    tag.copy_from_slice(hmac(HMAC_SHA512, key, message).as_ref());
    tag
}

fn hmac(algorithm: hmac::Algorithm, key: &Secret, message: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(algorithm, key.expose().as_bytes()), message)
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// Base64, standard alphabet, padded.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Base64 with the URL alphabet, without padding.
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A JSON web token over exactly the bytes of `payload`, signed with HMAC-SHA256; its header is `{"alg":"HS256","typ":"JWT"}`.
pub fn hs256_token(payload: &[u8], key: &Secret) -> Secret {
    let signed = format!("{}.{}", base64url(br#"{"alg":"HS256","typ":"JWT"}"#), base64url(payload));
    let signature = base64url(&hmac_sha256(key, signed.as_bytes()));
    Secret::new(format!("{signed}.{signature}"))
}

/// `METHOD:PATH:TOKEN:HASH:TIMESTAMP`, HASH being the lower-case hexadecimal SHA-256 of `body`.
///
/// It holds the token, hence a [`Secret`].
pub fn string_to_sign(method: &str, path: &str, token: &Secret, body: &[u8], timestamp: &str) -> Secret {
    Secret::new(format!("{method}:{path}:{}:{}:{timestamp}", token.expose(), hex(&sha256(body))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_published_vectors() {
        // FIPS 180-4 examples, RFC 4231 test case 2, RFC 4648 section 10.
        assert_eq!(hex(&sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let key = Secret::new("Jefe");
        let message = b"what do ya want for nothing?";
        assert_eq!(
            hex(&hmac_sha256(&key, message)),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(&hmac_sha512(&key, message)),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
        );
        assert_eq!(base64(b"fooba"), "Zm9vYmE=");
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
    }

    #[test]
    fn joins_the_string_to_sign() {
        let text = string_to_sign("GET", "/v1/x", &Secret::new("t"), b"", "2024-02-07T10:29:20.000+07:00");
        assert_eq!(
            text.expose(),
            "GET:/v1/x:t:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855:2024-02-07T10:29:20.000+07:00"
        );
    }

    #[test]
    fn signs_the_payload_bytes() {
        let token = hs256_token(
            br#"{"partnerId":"partner-id","productCode":"product-code","accountNumber":"123223345"}"#,
            &Secret::new("test-api-secret"),
        );
        assert!(token.expose().ends_with(".X1kX-Z3DkHJ3oYrV0NN99_p-zqwZ7d0yCRIszUStDSE"));
    }
}
