//! Randomness: all of it drawn from the seed.

use crate::crypto::sha256;

/// One provider's sequence, so that calls to one provider never shift what another answers.
pub(crate) struct Random(fastrand::Rng);

impl Random {
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        let mut start = [0; 8];
        start.copy_from_slice(&sha256(format!("{name}:{seed}").as_bytes())[..8]);
        Self(fastrand::Rng::with_seed(u64::from_be_bytes(start)))
    }

    /// A number from 0 to `limit - 1`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0.u64(..limit)
    }

    /// That many decimal digits.
    pub(crate) fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.0.u8(..10))).collect()
    }

    /// Random bytes.
    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }

    /// The 20 digits of an electricity token: a number below 2^66 whose class bits 27 and 28 are zero.
    pub(crate) fn stroom_token(&mut self) -> String {
        let bits = self.0.u128(..1 << 66) & !(0b11 << 27);
        format!("{bits:020}")
    }

    /// A version-4 UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let mut bytes: [u8; 16] = self.bytes();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = crate::crypto::hex(&bytes);
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_follow_seed_and_name() {
        let draw = |seed, name| Random::new(seed, name).digits(20);
        assert_eq!(draw(1, "klikoo"), draw(1, "klikoo"));
        assert_ne!(draw(1, "klikoo"), draw(2, "klikoo"));
        assert_ne!(draw(1, "klikoo"), draw(1, "pln"));
    }

    #[test]
    fn stroom_tokens_have_clear_class_bits() {
        let mut random = Random::new(1, "test");
        for _ in 0..1000 {
            let token = random.stroom_token();
            assert_eq!(token.len(), 20);
            let bits: u128 = token.parse().expect("digits");
            assert!(bits < 1 << 66);
            assert_eq!(bits >> 27 & 0b11, 0);
        }
    }
}
