use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use biller_core::{Evidence, RawJson, Receipt, Rupiah, Secret, StroomToken, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The form of what is sealed, so that it can change later.
const FORM: u8 = 1;

/// The key under which receipts and callbacks are stored: AES-256-GCM with a random nonce each.
///
/// Keep it apart from the store. Without it a journal goes on, but no receipt can be read.
pub struct ReceiptKey {
    aead: RandomizedNonceKey,
    digest: hmac::Key,
}

/// Why something sealed could not be read: another key, or it was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot be opened: sealed under another key, for another purchase, or changed since")]
pub struct SealError;

impl ReceiptKey {
    /// From 32 random bytes.
    pub fn new(key: [u8; 32]) -> Self {
        let key = Zeroizing::new(key);
        let root = hmac::Key::new(hmac::HMAC_SHA256, key.as_ref());
        let derived = |purpose: &[u8]| hmac::sign(&root, purpose);
        #[allow(clippy::expect_used)] // A 32-byte key is what the algorithm takes.
        let aead = RandomizedNonceKey::new(&AES_256_GCM, derived(b"biller-journal seal").as_ref()).expect("32 bytes");
        Self { aead, digest: hmac::Key::new(hmac::HMAC_SHA256, derived(b"biller-journal digest").as_ref()) }
    }

    /// Seals for one purchase; nobody can pass it off as another's.
    pub(crate) fn seal(&self, reference: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut text = Zeroizing::new(plain.to_vec());
        let nonce = self.aead.seal_in_place_append_tag(Aad::from(reference), &mut *text).map_err(|_| SealError)?;
        let mut sealed = vec![FORM];
        sealed.extend_from_slice(nonce.as_ref());
        sealed.append(&mut text);
        Ok(sealed)
    }

    pub(crate) fn open(&self, reference: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (form, sealed) = sealed.split_first().ok_or(SealError)?;
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).filter(|_| *form == FORM).ok_or(SealError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError)?;
        let mut text = Zeroizing::new(text.to_vec());
        let length = self.aead.open_in_place(nonce, Aad::from(reference), &mut text).map_err(|_| SealError)?.len();
        text.truncate(length);
        Ok(text)
    }

    /// The same for the same parts, and no help in guessing them.
    pub(crate) fn digest(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.digest);
        for part in parts {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part);
        }
        context.sign().as_ref().to_vec()
    }

    /// What was issued, so that it can be recognised and not read: the serial and the token, where there are any.
    pub(crate) fn digests_of_issued(&self, receipt: &Receipt) -> Vec<Vec<u8>> {
        let serial = receipt.serial.as_ref().map(|serial| Zeroizing::new(serial.expose().trim().to_owned()));
        let token = receipt.stroom_token.as_ref().map(|token| Zeroizing::new(token.reveal()));
        let given = [serial, token].into_iter().flatten().filter(|text| !text.is_empty());
        let mut digests: Vec<_> =
            given.map(|text| self.digest(&[b"issued", receipt.provider.as_bytes(), text.as_bytes()])).collect();
        digests.dedup();
        digests
    }

    pub(crate) fn seal_receipt(&self, receipt: &Receipt) -> Result<Vec<u8>, SealError> {
        let form = ReceiptForm {
            provider: receipt.provider.clone(),
            reference: receipt.reference.clone(),
            provider_id: receipt.provider_id.clone(),
            product: receipt.product.clone(),
            customer: receipt.customer.clone(),
            customer_name: receipt.customer_name.clone(),
            charged: receipt.charged,
            at: receipt.at,
            serial: receipt.serial.as_ref().map(|serial| serial.expose().to_owned()),
            stroom_token: receipt.stroom_token.as_ref().map(StroomToken::reveal),
            evidence: match receipt.evidence {
                Evidence::Reply => EvidenceForm::Reply,
                Evidence::Status => EvidenceForm::Status,
                Evidence::DuplicateRefused => EvidenceForm::DuplicateRefused,
                _ => EvidenceForm::Recorded,
            },
            raw: receipt.raw.as_ref().map(|raw| raw.as_str().to_owned()),
        };
        let plain = Zeroizing::new(serde_json::to_vec(&form).map_err(|_| SealError)?);
        self.seal(&receipt.reference, &plain)
    }

    pub(crate) fn open_receipt(&self, reference: &str, sealed: &[u8]) -> Result<Receipt, SealError> {
        let plain = self.open(reference, sealed)?;
        let form: ReceiptForm = serde_json::from_slice(&plain).map_err(|_| SealError)?;
        let evidence = match form.evidence {
            EvidenceForm::Reply => Evidence::Reply,
            EvidenceForm::Status => Evidence::Status,
            EvidenceForm::DuplicateRefused => Evidence::DuplicateRefused,
            EvidenceForm::Recorded => Evidence::Recorded,
        };
        let mut receipt = Receipt::new(form.provider, form.reference, form.product, form.customer, evidence);
        receipt.provider_id = form.provider_id;
        receipt.customer_name = form.customer_name;
        receipt.charged = form.charged;
        receipt.at = form.at;
        receipt.serial = form.serial.map(Secret::new);
        receipt.stroom_token = form.stroom_token.and_then(|token| StroomToken::parse(&token).ok());
        receipt.raw = form.raw.and_then(|raw| RawJson::from_slice(raw.as_bytes()).ok());
        Ok(receipt)
    }
}

impl fmt::Debug for ReceiptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReceiptKey(..)")
    }
}

#[derive(Serialize, Deserialize)]
struct ReceiptForm {
    provider: String,
    reference: String,
    provider_id: Option<String>,
    product: String,
    customer: String,
    customer_name: Option<String>,
    charged: Option<Rupiah>,
    at: Option<Timestamp>,
    serial: Option<String>,
    stroom_token: Option<String>,
    evidence: EvidenceForm,
    raw: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EvidenceForm {
    Reply,
    Status,
    DuplicateRefused,
    Recorded,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn receipt() -> Receipt {
        let mut receipt = Receipt::new("klikoo", "A-1", "PLN20", "01105691111", Evidence::Status);
        receipt.provider_id = Some("14430374".to_owned());
        receipt.customer_name = Some("SITI AMINAH".to_owned());
        receipt.charged = Some(Rupiah::new(20_500));
        receipt.at = Some(Timestamp::from_unix_millis(1_707_276_515_042));
        receipt.serial = Some(Secret::new("SERIAL-4711/SITI"));
        receipt.stroom_token = Some(StroomToken::parse("6156-0790-0556-6477-7418").unwrap());
        receipt.raw = Some(RawJson::from_slice(br#"{"sn" : "SERIAL-4711/SITI", "x": 1.50}"#).unwrap());
        receipt
    }

    #[test]
    fn a_receipt_comes_back_exactly_as_it_was_issued() {
        let key = ReceiptKey::new([7; 32]);
        let sealed = key.seal_receipt(&receipt()).unwrap();
        let opened = key.open_receipt("A-1", &sealed).unwrap();
        assert_eq!(format!("{opened:?}"), format!("{:?}", receipt()));
        assert_eq!(opened.customer, "01105691111");
        assert_eq!(opened.customer_name.as_deref(), Some("SITI AMINAH"));
        assert_eq!(opened.serial.unwrap().expose(), "SERIAL-4711/SITI");
        assert_eq!(opened.stroom_token.unwrap().reveal(), "61560790055664777418");
        assert_eq!(opened.raw.unwrap().as_str(), r#"{"sn" : "SERIAL-4711/SITI", "x": 1.50}"#);
    }

    #[test]
    fn what_is_sealed_shows_nothing_and_never_looks_the_same() {
        let key = ReceiptKey::new([7; 32]);
        let sealed = [key.seal_receipt(&receipt()).unwrap(), key.seal_receipt(&receipt()).unwrap()];
        assert_ne!(sealed[0], sealed[1]);
        for secret in ["SERIAL", "6156", "SITI", "PLN20", "01105691111"] {
            assert!(!sealed[0].windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
        }
    }

    #[test]
    fn another_key_another_purchase_or_a_changed_byte_opens_nothing() {
        let key = ReceiptKey::new([7; 32]);
        let sealed = key.seal("A-1", b"token").unwrap();
        assert_eq!(key.open("A-1", &sealed).unwrap().as_slice(), b"token");
        assert_eq!(key.open("A-2", &sealed).unwrap_err(), SealError);
        assert_eq!(ReceiptKey::new([8; 32]).open("A-1", &sealed).unwrap_err(), SealError);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(key.open("A-1", &changed).unwrap_err(), SealError, "byte {at}");
            assert_eq!(key.open("A-1", &sealed[..at]).unwrap_err(), SealError, "{at} bytes");
        }
    }

    #[test]
    fn what_was_issued_is_recognised_at_the_same_provider_alone() {
        let key = ReceiptKey::new([7; 32]);
        let (first, mut second) = (receipt(), receipt());
        second.reference = "A-2".to_owned();
        second.serial = Some(Secret::new(" SERIAL-4711/SITI "));
        assert_eq!(key.digests_of_issued(&first).len(), 2);
        assert_eq!(key.digests_of_issued(&first), key.digests_of_issued(&second));
        // A provider that sends the token as the serial has issued one thing.
        second.serial = Some(Secret::new("61560790055664777418"));
        assert_eq!(key.digests_of_issued(&second), key.digests_of_issued(&first)[1..]);
        second.provider = "pln-prepaid".to_owned();
        assert_ne!(key.digests_of_issued(&second), key.digests_of_issued(&first)[1..]);
        second.serial = Some(Secret::new("  "));
        second.stroom_token = None;
        assert!(key.digests_of_issued(&second).is_empty());
    }

    #[test]
    fn digests_tell_apart_where_one_part_ends() {
        let key = ReceiptKey::new([7; 32]);
        assert_eq!(key.digest(&[b"ab", b"c"]), key.digest(&[b"ab", b"c"]));
        assert_ne!(key.digest(&[b"ab", b"c"]), key.digest(&[b"a", b"bc"]));
        assert_ne!(key.digest(&[b"ab"]), ReceiptKey::new([8; 32]).digest(&[b"ab"]));
    }
}
