use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::{Attempt, BoxFuture, Reference};

/// Why an attempt could not be written down or read back.
pub type RecordError = Box<dyn std::error::Error + Send + Sync>;

/// Where attempts are written down before money can move.
///
/// `pay` and `resolve` save the attempt here before they send anything that moves money, and after they have learnt something.
/// When the first save fails, nothing is sent.
pub trait Records: Send + Sync {
    /// Stores the attempt under its provider and reference, replacing the earlier state. Durable before it returns.
    fn save<'a>(&'a self, attempt: &'a Attempt) -> BoxFuture<'a, Result<(), RecordError>>;

    /// The attempt that was saved last under this provider and reference. Paying asks for it, so that an order that is prepared a
    /// second time is not paid a second time.
    fn load<'a>(
        &'a self,
        provider: &'a str,
        reference: &'a Reference,
    ) -> BoxFuture<'a, Result<Option<Attempt>, RecordError>>;

    /// Every other attempt at the same provider for the same customer, in whatever stage. Who is the same customer,
    /// [`Attempt::is_for_same_customer`] says.
    ///
    /// Providers that cannot tell equal purchases apart compare with these before they pay or credit anything.
    fn others<'a>(&'a self, attempt: &'a Attempt) -> BoxFuture<'a, Result<Vec<Attempt>, RecordError>>;
}

/// Records in memory: for tests, examples and whoever keeps the attempts elsewhere. A crash forgets everything.
#[derive(Debug, Default)]
pub struct MemoryRecords(Mutex<BTreeMap<(String, String), Attempt>>);

impl MemoryRecords {
    /// The attempt that was saved last under this provider and reference.
    pub fn get(&self, provider: &str, reference: &str) -> Option<Attempt> {
        let key = (provider.to_owned(), reference.to_owned());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
    }
}

impl Records for MemoryRecords {
    fn save<'a>(&'a self, attempt: &'a Attempt) -> BoxFuture<'a, Result<(), RecordError>> {
        let key = (attempt.provider().to_owned(), attempt.order().reference().to_string());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, attempt.clone());
        Box::pin(async { Ok(()) })
    }

    fn load<'a>(
        &'a self,
        provider: &'a str,
        reference: &'a Reference,
    ) -> BoxFuture<'a, Result<Option<Attempt>, RecordError>> {
        let attempt = self.get(provider, reference.as_str());
        Box::pin(async { Ok(attempt) })
    }

    fn others<'a>(&'a self, attempt: &'a Attempt) -> BoxFuture<'a, Result<Vec<Attempt>, RecordError>> {
        let others = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let others = others.values().filter(|other| attempt.is_for_same_customer(other)).cloned().collect();
        Box::pin(async { Ok(others) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{Order, Rupiah, Timestamp};

    fn attempt(provider: &'static str, reference: &str, customer: &str) -> Attempt {
        let order = Order::new(reference, "S10", customer).unwrap();
        Attempt::new(provider, order, "key", Timestamp::from_unix_millis(0), &()).unwrap()
    }

    #[tokio::test]
    async fn the_latest_state_is_kept_under_provider_and_reference() {
        let records = MemoryRecords::default();
        let mut saved = attempt("klikoo", "A-1", "081213456789");
        records.save(&saved).await.unwrap();
        saved.set_price(Some(Rupiah::new(10_450)));
        records.save(&saved).await.unwrap();
        records.save(&attempt("pln-prepaid", "A-1", "01105691111")).await.unwrap();

        assert_eq!(records.get("klikoo", "A-1").unwrap().price(), Some(Rupiah::new(10_450)));
        assert_eq!(records.get("pln-prepaid", "A-1").unwrap().order().customer(), "01105691111");
        assert!(records.get("klikoo", "A-2").is_none());
    }

    #[tokio::test]
    async fn others_are_those_of_the_same_customer_at_the_same_provider() {
        let records = MemoryRecords::default();
        for (provider, reference, customer) in [
            ("klikoo", "A-1", "081213456789"),
            ("klikoo", "A-2", "081213456789"),
            ("klikoo", "A-3", "081213456789"),
            ("klikoo", "B-1", "081213456780"),
            ("mmbc-pulsa", "C-1", "081213456789"),
        ] {
            records.save(&attempt(provider, reference, customer)).await.unwrap();
        }
        let others = records.others(&attempt("klikoo", "A-1", "081213456789")).await.unwrap();
        let references: Vec<&str> = others.iter().map(|other| other.order().reference().as_str()).collect();
        assert_eq!(references, ["A-2", "A-3"]);
    }
}
