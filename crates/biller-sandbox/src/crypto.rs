//! What the providers' checks are made of: other libraries than the clients sign with, so that no mistake is shared.

use aws_lc_rs::constant_time;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256, Sha512};

pub(crate) fn sha256(data: &[u8]) -> Vec<u8> {
    Sha256::digest(data).to_vec()
}

pub(crate) fn hmac_sha256(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.chain_update(data).finalize().into_bytes().to_vec()
}

pub(crate) fn hmac_sha512(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha512>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.chain_update(data).finalize().into_bytes().to_vec()
}

/// Equality in a time that tells nothing about the contents.
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// Lower-case hexadecimal.
pub(crate) fn hex(data: &[u8]) -> String {
    use std::fmt::Write as _;
    data.iter().fold(String::with_capacity(data.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Standard base64 with padding.
pub(crate) fn base64(data: &[u8]) -> String {
    STANDARD.encode(data)
}

/// URL-safe base64 without padding, as tokens use it.
pub(crate) fn base64url(data: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(data)
}

/// The bytes of standard, padded base64.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// A JSON Web Token over the given claims, signed with HS256.
pub(crate) fn jwt_hs256(claims: &[u8], secret: &[u8]) -> String {
    let signed = format!("{}.{}", base64url(br#"{"alg":"HS256","typ":"JWT"}"#), base64url(claims));
    let signature = base64url(&hmac_sha256(secret, signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// The first four characters of a secret and `…`.
pub(crate) fn redacted(secret: &str) -> String {
    secret.chars().take(4).chain(['…']).collect()
}
